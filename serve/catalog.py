"""The catalogue: providers, models and routes as dated data, read from TOML and cross-checked before anything serves.

`catalog.toml` holds providers, wire shapes and models; `routes.toml` holds intents and the default. A mistake in either
names the file and the key (`CatalogError`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from classifier import DEFAULT_INTENTS
from serve.errors import CatalogError

CATALOG_FILE = Path(__file__).with_name("catalog.toml")
ROUTES_FILE = Path(__file__).with_name("routes.toml")

Quality = Literal["auto", "low", "medium", "high", "standard", "hd"]
Ratio = Annotated[str, Field(pattern=r"^[1-9][0-9]*:[1-9][0-9]*$")]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Word = Annotated[str, Field(min_length=1)]
Shapes = Annotated[dict[Ratio, Word], Field(min_length=1)]

_Parsed = TypeVar("_Parsed", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provider(_Row):
    """Where a vendor lives and what its key is called. `image_hosts` are the only hosts images are fetched from."""

    name: str
    base_url: str
    key_env: str
    base_url_env: str
    sandbox_path: str
    image_hosts: list[str]


class Model(_Row):
    """One image model: its vendor's id, abilities, US dollars an image, and the dates of its life.

    `shapes` maps an aspect ratio to the wire's spelling, `qualities` ours to the vendor's; `extra` is sent as it is.
    `price` is keyed by the wire's own words: "quality/shape", "quality", "shape" or "default".
    """

    name: str
    provider: str
    dialect: str
    vendor_model: str
    status: Literal["active", "deprecated", "shutdown"]
    shutdown_date: date | None = Field(default=None, validate_default=True)
    successor: str | None = None
    shapes: Shapes
    max_n: int = Field(ge=1)
    max_prompt_chars: int = Field(ge=1)
    text: bool = False
    seed: bool = False
    negative_prompt: bool = False
    user: bool = False
    output_formats: list[str] = []
    qualities: dict[Quality, Word] = {}
    extra: dict[str, str] = {}
    price: dict[str, Usd]

    @field_validator("shutdown_date")
    @classmethod
    def _shutdown_is_dated(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value is None and info.data.get("status") == "shutdown":
            raise ValueError("a model with status 'shutdown' needs the date")
        return value

    @field_validator("price")
    @classmethod
    def _prices_can_be_found(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if "default" not in value:
            raise ValueError("a `default` is missing")
        # A misspelt key would never be looked up, and the default charged in its place.
        shapes, qualities = (set(info.data.get(table, {}).values()) for table in ("shapes", "qualities"))
        known = {"default"} | shapes | qualities | {f"{quality}/{shape}" for quality in qualities for shape in shapes}
        if unknown := sorted(value.keys() - known):
            raise ValueError(f"{unknown[0]!r} is no quality, shape or quality/shape of this model")
        return value


class IntentRoute(_Row):
    """The models for one intent, best first; `export` answers `quality: high` when it is set."""

    models: list[str] = Field(min_length=1)
    export: str | None = None


class Routes(_Row):
    """`routes.toml`: a route an intent, the default model, and an optional override of the fitted threshold."""

    default: str
    abstain_below: float | None = Field(default=None, ge=0, le=1)
    intents: dict[str, IntentRoute]


class Catalog(_Row):
    """Everything the policy knows of models. Frozen: a changed file makes a new catalogue."""

    providers: dict[str, Provider]
    models: dict[str, Model]
    routes: Routes

    def provider_of(self, model: Model) -> Provider:
        """The provider that `model` is called at."""
        return self.providers[model.provider]


class _CatalogFile(_Row):
    """`catalog.toml` as written: rows do not know their names yet, models name a family of shapes."""

    providers: dict[str, dict[str, Any]]
    shapes: dict[str, Shapes]
    models: dict[str, dict[str, Any]]


def load_catalog(
    catalog_file: Path = CATALOG_FILE, routes_file: Path = ROUTES_FILE, classes: Sequence[str] = DEFAULT_INTENTS
) -> Catalog:
    """Read and cross-check both files. `classes` are the labels that must have a route (a bundle's own, if not ours).

    Raises:
        CatalogError: a file is missing, is not TOML, has an unknown or missing key or a wrong value, names something
            that is not there, retires a model without a successor, or leaves one of `classes` without a route.
    """
    catalog = _parse(Catalog, _rows(catalog_file) | {"routes": _parse_routes(routes_file)}, catalog_file)
    _check_models(catalog, catalog_file)
    _check_routes(catalog, catalog_file, routes_file, classes)
    return catalog


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CatalogError(f"{path}: not found") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read as TOML: {error}") from error


def _parse(kind: type[_Parsed], raw: dict[str, Any], path: Path) -> _Parsed:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _parse_routes(path: Path) -> Routes:
    return _parse(Routes, _read_toml(path), path)


def _rows(path: Path) -> dict[str, Any]:
    raw = _parse(_CatalogFile, _read_toml(path), path)
    for name, row in raw.models.items():
        family = row.get("shapes")
        if not isinstance(family, str) or family not in raw.shapes:
            raise CatalogError(f"{path}: models.{name}.shapes: {family!r} is none of {', '.join(raw.shapes)}")
        row["shapes"] = raw.shapes[family]
    return {"providers": _named(raw.providers, "providers", path), "models": _named(raw.models, "models", path)}


def _named(rows: dict[str, dict[str, Any]], table: str, path: Path) -> dict[str, Any]:
    for name, row in rows.items():
        if "name" in row:
            raise CatalogError(f"{path}: {table}.{name}.name: unknown key, the table's own name is the name")
    return {name: {"name": name, **row} for name, row in rows.items()}


def _check_models(catalog: Catalog, path: Path) -> None:
    for name, model in catalog.models.items():
        if model.provider not in catalog.providers:
            raise CatalogError(f"{path}: models.{name}.provider: no provider {model.provider!r}")
        if model.successor is not None and model.successor not in catalog.models:
            raise CatalogError(f"{path}: models.{name}.successor: no model {model.successor!r}")
        if model.status == "shutdown" and model.successor is None:
            raise CatalogError(f"{path}: models.{name}.successor: missing, and the model is shut down")
    for name in catalog.models:
        _check_succession(name, catalog, path)


def _check_succession(name: str, catalog: Catalog, path: Path) -> None:
    chain = [name]
    while (following := catalog.models[chain[-1]].successor) is not None:
        if following in chain:
            raise CatalogError(f"{path}: models.{name}.successor: goes in a circle: {' -> '.join([*chain, following])}")
        chain.append(following)


def _check_routes(catalog: Catalog, catalog_file: Path, routes_file: Path, classes: Sequence[str]) -> None:
    for key, name in _route_names(catalog.routes):
        if name not in catalog.models:
            raise CatalogError(f"{routes_file}: {key}: no model {name!r} in {catalog_file.name}")
    for label in classes:
        if label not in catalog.routes.intents:
            raise CatalogError(f"{routes_file}: intents.{label}: missing, and the classifier knows this intent")


def _route_names(routes: Routes) -> list[tuple[str, str]]:
    named = [("default", routes.default)]
    for intent, route in routes.intents.items():
        named += [(f"intents.{intent}.models", name) for name in route.models]
        named += [(f"intents.{intent}.export", route.export)] if route.export else []
    return named
