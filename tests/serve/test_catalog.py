"""Start-up refusals: each mistake in `catalog.toml` or `routes.toml` names its file and its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier import DEFAULT_INTENTS
from serve.catalog import Catalog, load_catalog
from serve.errors import CatalogError

CATALOG = """
[providers.vendor]
base_url = "https://vendor.test"
key_env = "VENDOR_API_KEY"
base_url_env = "VENDOR_BASE_URL"
sandbox_path = "/vendor"
image_hosts = []

[shapes.square]
"1:1" = "1024x1024"

[models.old]
provider = "vendor"
dialect = "openai_images"
vendor_model = "old-1"
status = "shutdown"
shutdown_date = 2026-05-12
successor = "new"
shapes = "square"
max_n = 1
max_prompt_chars = 4000
price = { default = 0.04 }

[models.new]
provider = "vendor"
dialect = "openai_images"
vendor_model = "new-1"
status = "active"
shapes = "square"
max_n = 4
max_prompt_chars = 4000
qualities = { auto = "fine" }
price = { default = 0.05, fine = 0.06, "1024x1024" = 0.07, "fine/1024x1024" = 0.08 }
"""

ROUTES = """
default = "old"

[intents.preview]
models = ["new"]
export = "old"

[intents.text_heavy]
models = ["new", "old"]

[intents.complex_logic]
models = ["old"]
"""

# id: (what is changed in catalog.toml, into what, the key named, a word of the message)
CATALOG_MISTAKES = {
    "unknown provider": ('provider = "vendor"', 'provider = "vender"', "models.old.provider", "vender"),
    "unknown dialect": (
        'dialect = "openai_images"',
        'dialect = "openai_image"',
        "models.old.dialect",
        "'openai_image'",
    ),
    "images in flight": ("image_hosts = []", "max_in_flight = 0", "providers.vendor.max_in_flight", "greater"),
    "unknown successor": ('successor = "new"', 'successor = "newer"', "models.old.successor", "newer"),
    "retired without a successor": ('successor = "new"', "", "models.old.successor", "shut down"),
    "retired without a date": ("shutdown_date = 2026-05-12", "", "models.old.shutdown_date", "needs the date"),
    "date is a time": ("2026-05-12", "2026-05-12T10:00:00", "models.old.shutdown_date", "date"),
    "date is a string": ("2026-05-12", '"2026-05-12"', "models.old.shutdown_date", "date"),
    "succeeds itself": ('successor = "new"', 'successor = "old"', "models.old.successor", "old -> old"),
    "successors in a circle": (
        'status = "active"',
        'status = "active"\nsuccessor = "old"',
        "models.old.successor",
        "circle: old -> new -> old",
    ),
    "unknown status": ('status = "active"', 'status = "alive"', "models.new.status", "shutdown"),
    "unknown key": ("max_n = 1", "max_n = 1\nmax_m = 1", "models.old.max_m", "Extra"),
    "missing key": ("max_n = 1", "", "models.old.max_n", "required"),
    "a name of its own": ("max_n = 1", 'max_n = 1\nname = "x"', "models.old.name", "unknown key"),
    "a provider's own name": ("image_hosts = []", 'image_hosts = []\nname = "x"', "providers.vendor.name", "unknown"),
    "count as a string": ("max_n = 1", 'max_n = "1"', "models.old.max_n", "integer"),
    "count of none": ("max_n = 1", "max_n = 0", "models.old.max_n", "greater"),
    "switch as a number": ("max_n = 1", "max_n = 1\nseed = 1", "models.old.seed", "boolean"),
    "unknown quality": ('auto = "fine"', 'best = "fine"', "models.new.qualities.best", "auto"),
    "empty wire word": ('auto = "fine"', 'auto = ""', "models.new.qualities.auto", "1 character"),
    "unknown family of shapes": ('shapes = "square"', 'shapes = "round"', "models.old.shapes", "square"),
    "family of shapes is no name": ('shapes = "square"', "shapes = []", "models.old.shapes", "square"),
    "no ratio": ('"1:1" =', '"square" =', "shapes.square.square", "pattern"),
    "wire shape is a number": ('"1024x1024"\n', "1024\n", "shapes.square.1:1", "string"),
    "empty family": ('"1:1" = "1024x1024"', "", "shapes.square", "1 item"),
    "unknown table": ("[models.new]", "[model.new]", "model", "Extra"),
    "model is no table": ("[models.old]", "[models]\nodd = 3\n[models.old]", "models.odd", "dict"),
    "provider is no table": ("[providers.vendor]", "[providers]\nodd = 3\n[providers.vendor]", "providers.odd", "dict"),
    "unknown key of a provider": ("image_hosts = []", "image_hosts = []\nport = 1", "providers.vendor.port", "Extra"),
    "hosts are no list": ("image_hosts = []", 'image_hosts = "vendor.test"', "providers.vendor.image_hosts", "list"),
    "price is a string": ("default = 0.04", 'default = "0.04"', "models.old.price.default", "number"),
    "price is true": ("default = 0.04", "default = true", "models.old.price.default", "number"),
    "price under nothing": ("default = 0.04", "default = -0.04", "models.old.price.default", "greater"),
    "price without end": ("default = 0.04", "default = inf", "models.old.price.default", "finite"),
    "price is no number": ("default = 0.04", "default = nan", "models.old.price.default", "finite"),
    "no default price": ("default = 0.04", "", "models.old.price", "default"),
    "price of an unknown quality": ("fine = 0.06", "fin = 0.06", "models.new.price", "'fin'"),
    "price of an unknown shape": ('"1024x1024" = 0.07', '"1024x1042" = 0.07', "models.new.price", "'1024x1042'"),
    "price of an unknown pair": ('"fine/1024x1024"', '"1024x1024/fine"', "models.new.price", "'1024x1024/fine'"),
    "not TOML": ("[models.old]", "[models.old", "cannot be read as TOML", "line"),
}

ROUTES_MISTAKES = {
    "unknown default": ('default = "old"', 'default = "odd"', "default", "'odd'"),
    "no default": ('default = "old"', "", "default", "required"),
    "unknown model": ('models = ["new"]', 'models = ["odd"]', "intents.preview.models", "'odd'"),
    "unknown export": ('export = "old"', 'export = "odd"', "intents.preview.export", "'odd'"),
    "no models": ('models = ["new"]', "models = []", "intents.preview.models", "1 item"),
    "models are no list": ('models = ["new"]', 'models = "new"', "intents.preview.models", "list"),
    "model is a number": ('models = ["new"]', "models = [1]", "intents.preview.models.0", "string"),
    "missing intent": ('[intents.text_heavy]\nmodels = ["new", "old"]', "", "intents.text_heavy", "missing"),
    "misspelt intent": ("[intents.complex_logic]", "[intents.complex]", "intents.complex_logic", "missing"),
    "unknown key": ('export = "old"', 'exports = "old"', "intents.preview.exports", "Extra"),
    "unknown key at the top": ('default = "old"', 'default = "old"\ndefaults = 1', "defaults", "Extra"),
    "threshold is a string": ('default = "old"', 'default = "old"\nabstain_below = "0.5"', "abstain_below", "number"),
    "threshold over one": ('default = "old"', 'default = "old"\nabstain_below = 1.5', "abstain_below", "less"),
    "not TOML": ("[intents.preview]", "[intents.preview", "cannot be read as TOML", "line"),
}


def load(folder: Path, catalog: str = CATALOG, routes: str = ROUTES, classes: tuple[str, ...] | None = None) -> Catalog:
    """Write both files and load them."""
    files = folder / "catalog.toml", folder / "routes.toml"
    for file, text in zip(files, (catalog, routes), strict=True):
        file.write_text(text, encoding="utf-8")
    return load_catalog(*files) if classes is None else load_catalog(*files, classes=classes)


def changed(text: str, old: str, new: str) -> str:
    """`text` with its first `old` replaced, which must be there."""
    assert old in text
    return text.replace(old, new, 1)


def test_a_sound_pair_of_files_loads(tmp_path: Path) -> None:
    """Every row arrives under its name, with its family's shapes and its provider."""
    catalog = load(tmp_path)
    assert list(catalog.models) == ["old", "new"]
    assert catalog.models["old"].shapes == {"1:1": "1024x1024"}
    assert catalog.provider_of(catalog.models["old"]).key_env == "VENDOR_API_KEY"
    assert catalog.routes.intents["preview"].export == "old"


@pytest.mark.parametrize(("old", "new", "key", "word"), CATALOG_MISTAKES.values(), ids=CATALOG_MISTAKES)
def test_a_mistake_in_the_catalogue_is_refused(tmp_path: Path, old: str, new: str, key: str, word: str) -> None:
    """A mistake in catalog.toml stops the start, and the error names the file and the key."""
    with pytest.raises(CatalogError) as refused:
        load(tmp_path, catalog=changed(CATALOG, old, new))
    assert str(refused.value).startswith(f"{tmp_path / 'catalog.toml'}: {key}")
    assert word in str(refused.value)


@pytest.mark.parametrize(("old", "new", "key", "word"), ROUTES_MISTAKES.values(), ids=ROUTES_MISTAKES)
def test_a_mistake_in_the_routes_is_refused(tmp_path: Path, old: str, new: str, key: str, word: str) -> None:
    """A mistake in routes.toml stops the start, and the error names the file and the key."""
    with pytest.raises(CatalogError) as refused:
        load(tmp_path, routes=changed(ROUTES, old, new))
    assert str(refused.value).startswith(f"{tmp_path / 'routes.toml'}: {key}")
    assert word in str(refused.value)


@pytest.mark.parametrize("missing", ["catalog.toml", "routes.toml"])
def test_a_missing_file_is_refused(tmp_path: Path, missing: str) -> None:
    """A file that is not there is named."""
    load(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(CatalogError, match=f"{missing}: not found"):
        load_catalog(tmp_path / "catalog.toml", tmp_path / "routes.toml")


@pytest.mark.parametrize("broken", ["catalog.toml", "routes.toml"])
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, broken: str) -> None:
    """Bytes that are no UTF-8 are an error of the file, not a crash."""
    load(tmp_path)
    (tmp_path / broken).write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogError, match=f"{broken}: cannot be read as TOML"):
        load_catalog(tmp_path / "catalog.toml", tmp_path / "routes.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that cannot be opened is an error of the file, not a crash."""
    with pytest.raises(CatalogError, match="cannot be read"):
        load_catalog(tmp_path, tmp_path)


def test_an_empty_catalogue_is_refused(tmp_path: Path) -> None:
    """Without its tables the catalogue says which one is missing."""
    with pytest.raises(CatalogError, match=r"catalog\.toml: providers: Field required"):
        load(tmp_path, catalog="")


@pytest.mark.parametrize("intent", DEFAULT_INTENTS)
def test_every_default_intent_needs_a_route(tmp_path: Path, intent: str) -> None:
    """Each of the three labels is asked for by name when its route is missing."""
    with pytest.raises(CatalogError, match=rf"routes\.toml: intents\.{intent}: missing"):
        load(tmp_path, routes=changed(ROUTES, f"[intents.{intent}]", f"[intents.not_{intent}]"))


def test_given_classes_replace_the_default_intents(tmp_path: Path) -> None:
    """A bundle with its own labels asks for routes of those, and of no others."""
    routes = 'default = "old"\n[intents.logo]\nmodels = ["new"]\n'
    assert list(load(tmp_path, routes=routes, classes=("logo",)).routes.intents) == ["logo"]
    with pytest.raises(CatalogError, match=r"intents\.photo: missing"):
        load(tmp_path, routes=routes, classes=("logo", "photo"))


def test_a_catalogue_cannot_be_changed(tmp_path: Path) -> None:
    """Rows are frozen: who wants another catalogue loads another file."""
    row = load(tmp_path).models["new"]
    with pytest.raises(ValueError, match="frozen"):
        row.max_n = 99
