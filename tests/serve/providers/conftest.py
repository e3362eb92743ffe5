"""What the dialect tests share: catalogue rows made callable, and answers made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serve.catalog import Catalog, load_catalog
from serve.image_request import ReadyModel

KEY = "key-7f3a91"


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The catalogue as it is shipped."""
    return load_catalog()


@pytest.fixture(scope="session")
def key() -> str:
    """The key that every ready model is called with."""
    return KEY


@pytest.fixture(scope="session")
def ready(catalog: Catalog, key: str) -> Callable[[str], ReadyModel]:
    """From a logical name to the shipped row, at its vendor's own host."""

    def make(name: str) -> ReadyModel:
        row = catalog.models[name]
        return ReadyModel(row=row, base_url=catalog.provider_of(row).base_url, api_key=key)

    return make
