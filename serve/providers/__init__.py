"""The registry of wire dialects: what the catalogue may name under a model's `dialect`."""

from __future__ import annotations

from serve.catalog import Model
from serve.errors import CatalogError
from serve.providers import bfl_flux, google_generate, google_predict, ideogram_legacy, ideogram_v2, openai_images
from serve.providers.base import Dialect

DIALECTS: dict[str, Dialect] = {
    "openai_images": Dialect(
        openai_images.build, openai_images.read, usage=openai_images.usage, list_models=openai_images.list_models
    ),
    "google_predict": Dialect(google_predict.build, google_predict.read),
    "google_generate": Dialect(google_generate.build, google_generate.read, usage=google_generate.usage),
    "ideogram_legacy": Dialect(ideogram_legacy.build, ideogram_legacy.read),
    "ideogram_v2": Dialect(ideogram_v2.build, ideogram_v2.read),
    "bfl_flux": Dialect(bfl_flux.build, bfl_flux.read, bfl_flux.follow, bfl_flux.usage),
}


def dialect_of(model: Model) -> Dialect:
    """The dialect that the model's row names.

    Raises:
        CatalogError: no such dialect; names the row and the value.
    """
    if model.dialect not in DIALECTS:
        raise CatalogError(f"models.{model.name}.dialect: {model.dialect!r} is none of {sorted(DIALECTS)}")
    return DIALECTS[model.dialect]
