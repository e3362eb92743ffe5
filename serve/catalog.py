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
from serve.price_table import PictureUsd, PriceChange, TokenPrices, check_changes, check_prices

CATALOG_FILE = Path(__file__).with_name("catalog.toml")
ROUTES_FILE = Path(__file__).with_name("routes.toml")
STORY = "story"

Quality = Literal["auto", "low", "medium", "high", "standard", "hd"]
Ratio = Annotated[str, Field(pattern=r"^[1-9][0-9]*:[1-9][0-9]*$")]
Word = Annotated[str, Field(min_length=1)]
Shapes = Annotated[dict[Ratio, Word], Field(min_length=1)]
Wish = Literal["shape", "quality", "seed", "negative_prompt", "output_format", "user"]

_Parsed = TypeVar("_Parsed", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provider(_Row):
    """Where a vendor lives and what its key is called. `image_hosts` are the only hosts images are fetched from.

    `key_env` and `base_url_env` may be any environment variables; `sandbox_path` is empty where the sandbox has no
    stand-in for this vendor. `max_in_flight` are the images asked for at any time; more wait in a queue.
    """

    name: str
    base_url: str = Field(pattern=r"^https?://[^/]")
    key_env: Word
    base_url_env: Word
    sandbox_path: str = ""
    image_hosts: list[str] = []
    max_in_flight: int = Field(default=16, ge=1)


class Model(_Row):
    """One image model: its vendor's id, abilities, US dollars an image, and the dates of its life.

    `shapes` maps an aspect ratio to the wire's spelling, `qualities` ours to the vendor's; `extra` is sent as it is.
    `wire_names` are the names of the fields that this model calls otherwise than its dialect does (openai_images and
    ideogram_v2 ask for them). `max_n` is what one call gives. `transparent` models take `background`.
    `price` is keyed by the wire's own words: "quality/shape", "quality", "shape" or "default"; `token_price` is US
    dollars a million tokens, for vendors that report what they used. `price_changes` replace both from their day on.
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
    transparent: bool = False
    output_formats: list[str] = []
    qualities: dict[Quality, Word] = {}
    extra: dict[str, str | int | float | bool] = {}
    wire_names: dict[Wish, Word] = {}
    price: dict[str, PictureUsd]
    token_price: TokenPrices = {}
    price_changes: list[PriceChange] = []

    @field_validator("shutdown_date")
    @classmethod
    def _shutdown_is_dated(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value is None and info.data.get("status") == "shutdown":
            raise ValueError("a model with status 'shutdown' needs the date")
        return value

    @field_validator("price")
    @classmethod
    def _prices_can_be_found(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        check_prices(value, *_wire_words(info))
        return value

    @field_validator("price_changes")
    @classmethod
    def _changes_can_be_found(cls, value: list[PriceChange], info: ValidationInfo) -> list[PriceChange]:
        check_changes(value, *_wire_words(info))
        return value


def _wire_words(info: ValidationInfo) -> tuple[set[str], set[str]]:
    qualities, shapes = (set(info.data.get(table, {}).values()) for table in ("qualities", "shapes"))
    return qualities, shapes


class IntentRoute(_Row):
    """The models for one intent, best first; `export` answers `quality: high` when it is set.

    Models whose measured median is above `target_ms` milliseconds rank behind the others. `needs` names abilities that
    every model has to have for this intent: "text" is legible lettering, the row's own `text`.
    """

    models: list[str] = Field(min_length=1)
    export: str | None = None
    target_ms: int | None = Field(default=None, ge=1)
    needs: list[Literal["text"]] = []


class Routes(_Row):
    """One profile of `routes.toml`: a route an intent, the default model, an optional override of the threshold."""

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


class _OwnFile(_CatalogFile):
    """An operator's own catalogue file: whatever it leaves out is the shipped one's."""

    providers: dict[str, dict[str, Any]] = {}
    shapes: dict[str, Shapes] = {}
    models: dict[str, dict[str, Any]] = {}


def load_catalog(
    catalog_file: Path = CATALOG_FILE,
    routes_file: Path = ROUTES_FILE,
    classes: Sequence[str] = DEFAULT_INTENTS,
    profile: str = STORY,
    own_file: Path | None = None,
) -> Catalog:
    """Read and cross-check the files. `classes` are the labels that must have a route (a bundle's own, if not ours).

    `own_file` is an operator's: its providers, shapes and models are added to those of `catalog_file`, and a row of the
    same name replaces the other one.

    The routes are those of `profile`; the others are checked as well, so that changing over is no surprise.

    Raises:
        CatalogError: a file is missing, is not TOML, has an unknown or missing key or a wrong value, names something
            or a dialect that is not there, retires a model without a successor, or leaves one of `classes` without a
            route; or there is no such profile.
    """
    profiles = _parse_profiles(routes_file)
    if profile not in profiles:
        raise CatalogError(f"{routes_file}: profiles.{profile}: missing; there are {', '.join(profiles)}")
    source = catalog_file if own_file is None else f"{own_file} (or {catalog_file})"
    catalog = _parse(Catalog, _rows(catalog_file, own_file) | {"routes": profiles[profile]}, source)
    _check_models(catalog, source)
    for name, routes in profiles.items():
        _check_routes(routes, catalog, f"{routes_file}: {_table(name)}", catalog_file.name, classes)
    return catalog


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CatalogError(f"{path}: not found") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read as TOML: {error}") from error


def _parse(kind: type[_Parsed], raw: dict[str, Any], path: Path | str, table: str = "") -> _Parsed:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogError(f"{path}: {table}{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _parse_profiles(path: Path) -> dict[str, Routes]:
    """The top of the file is the profile "story"; a table under `profiles` is another one, complete in itself."""
    story = _read_toml(path)
    others = story.pop("profiles", {})
    if not isinstance(others, dict) or not all(isinstance(table, dict) for table in others.values()) or STORY in others:
        raise CatalogError(f"{path}: profiles: expected a table a profile, and {STORY!r} is the top of the file")
    return {name: _parse(Routes, raw, path, _table(name)) for name, raw in ({STORY: story} | others).items()}


def _table(profile: str) -> str:
    return "" if profile == STORY else f"profiles.{profile}."


def _rows(path: Path, own: Path | None) -> dict[str, dict[str, Any]]:
    shipped = _parse(_CatalogFile, _read_toml(path), path)
    tables = _tables(shipped, shipped.shapes, path)
    if own is None:
        return tables
    added = _parse(_OwnFile, _read_toml(own), own)
    more = _tables(added, shipped.shapes | added.shapes, own)
    return {name: tables[name] | more[name] for name in tables}


def _tables(raw: _CatalogFile, shapes: dict[str, Shapes], path: Path) -> dict[str, dict[str, Any]]:
    for name, row in raw.models.items():
        family = row.get("shapes")
        if not isinstance(family, str) or family not in shapes:
            raise CatalogError(f"{path}: models.{name}.shapes: {family!r} is none of {', '.join(shapes)}")
        row["shapes"] = shapes[family]
    return {"providers": _named(raw.providers, "providers", path), "models": _named(raw.models, "models", path)}


def _named(rows: dict[str, dict[str, Any]], table: str, path: Path) -> dict[str, Any]:
    for name, row in rows.items():
        if "name" in row:
            raise CatalogError(f"{path}: {table}.{name}.name: unknown key, the table's own name is the name")
    return {name: {"name": name, **row} for name, row in rows.items()}


def _check_models(catalog: Catalog, path: Path | str) -> None:
    # Dialects are written in terms of rows: when this module is loaded, theirs cannot be.
    from serve.providers import DIALECTS  # noqa: PLC0415

    for name, model in catalog.models.items():
        if model.dialect not in DIALECTS:
            raise CatalogError(f"{path}: models.{name}.dialect: {model.dialect!r} is none of {', '.join(DIALECTS)}")
        if model.provider not in catalog.providers:
            raise CatalogError(f"{path}: models.{name}.provider: no provider {model.provider!r}")
        if model.successor is not None and model.successor not in catalog.models:
            raise CatalogError(f"{path}: models.{name}.successor: no model {model.successor!r}")
        if model.status == "shutdown" and model.successor is None:
            raise CatalogError(f"{path}: models.{name}.successor: missing, and the model is shut down")
    for name in catalog.models:
        _check_succession(name, catalog, path)


def _check_succession(name: str, catalog: Catalog, path: Path | str) -> None:
    chain = [name]
    while (following := catalog.models[chain[-1]].successor) is not None:
        if following in chain:
            raise CatalogError(f"{path}: models.{name}.successor: goes in a circle: {' -> '.join([*chain, following])}")
        chain.append(following)


def _check_routes(routes: Routes, catalog: Catalog, where: str, rows: str, classes: Sequence[str]) -> None:
    for key, name in _route_names(routes):
        if name not in catalog.models:
            raise CatalogError(f"{where}{key}: no model {name!r} in {rows}")
    for label in classes:
        if label not in routes.intents:
            raise CatalogError(f"{where}intents.{label}: missing, and the classifier knows this intent")


def _route_names(routes: Routes) -> list[tuple[str, str]]:
    named = [("default", routes.default)]
    for intent, route in routes.intents.items():
        named += [(f"intents.{intent}.models", name) for name in route.models]
        named += [(f"intents.{intent}.export", route.export)] if route.export else []
    return named
