"""An operator's own catalogue file: added to the shipped one, and held to the same rules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from serve.app import create_app
from serve.catalog import CATALOG_FILE, Catalog, load_catalog
from serve.cli import app as commands
from serve.errors import CatalogError
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

SHIPPED = load_catalog()
OWN = """
[providers.local]
base_url = "http://localhost:8080/v1"
key_env = "LOCAL_API_KEY"
base_url_env = "LOCAL_BASE_URL"

[shapes.local]
"1:1" = "512x512"

[models.mine]
provider = "local"
dialect = "openai_images"
vendor_model = "mine-1"
status = "active"
shapes = "local"
max_n = 1
max_prompt_chars = 500
extra = { step = 25, guidance = 7.5, mode = "fast", tiled = true }
price = { default = 0.0 }
"""


def load(folder: Path, text: str = OWN) -> Catalog:
    """The shipped catalogue with this file."""
    file = folder / "own.toml"
    file.write_text(text, encoding="utf-8")
    return load_catalog(own_file=file)


def changed(old: str, new: str) -> str:
    """The file with one thing replaced, which must be there."""
    assert old in OWN
    return OWN.replace(old, new, 1)


def test_own_rows_are_added_to_the_shipped(tmp_path: Path) -> None:
    """Providers, shapes and models come on top; all that is shipped stays as it was."""
    catalog = load(tmp_path)
    assert list(catalog.models) == [*SHIPPED.models, "mine"]
    assert list(catalog.providers) == [*SHIPPED.providers, "local"]
    assert {name: row for name, row in catalog.models.items() if name != "mine"} == SHIPPED.models
    assert catalog.routes == SHIPPED.routes
    mine = catalog.models["mine"]
    assert (mine.shapes, catalog.provider_of(mine).sandbox_path) == ({"1:1": "512x512"}, "")
    assert mine.extra == {"step": 25, "guidance": 7.5, "mode": "fast", "tiled": True}
    assert [type(value) for value in mine.extra.values()] == [int, float, str, bool]


def test_an_own_row_may_use_what_is_shipped(tmp_path: Path) -> None:
    """A row of a shipped provider, with shipped shapes and a shipped successor, needs nothing else in the file."""
    row = OWN[OWN.index("[models.mine]") :].replace('"local"', '"ideogram"', 1).replace('"local"', '"ideogram_v2"', 1)
    mine = load(tmp_path, f'{row}successor = "ideogram-3"\n').models["mine"]
    assert (mine.shapes, mine.successor) == (SHIPPED.models["ideogram-3"].shapes, "ideogram-3")


def test_an_own_row_replaces_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    """The whole row is the operator's, at its old place; what leads to it by name now leads to this one."""
    catalog = load(tmp_path, changed("[models.mine]", "[models.ideogram-2]"))
    assert list(catalog.models) == list(SHIPPED.models)
    assert catalog.models["ideogram-2"].vendor_model == "mine-1"
    assert catalog.models["ideogram-v2"].successor == "ideogram-2"


def test_a_provider_takes_sixteen_images_at_once_unless_it_says_otherwise(tmp_path: Path) -> None:
    """A server of one's own has a limit too, and one that can be changed; so has a shipped one that is replaced."""
    slow = changed('key_env = "LOCAL_API_KEY"', 'key_env = "LOCAL_API_KEY"\nmax_in_flight = 1')
    assert load(tmp_path).providers["local"].max_in_flight == 16
    assert load(tmp_path, slow).providers["local"].max_in_flight == 1


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """An operator's file may leave every table out."""
    assert load(tmp_path, "") == SHIPPED


@pytest.mark.parametrize(
    ("old", "new", "key", "word"),
    [
        ('shapes = "local"', 'shapes = "round"', "models.mine.shapes", "round"),
        ('provider = "local"', 'provider = "locl"', "models.mine.provider", "locl"),
        ('dialect = "openai_images"', 'dialect = "openai_image"', "models.mine.dialect", "'openai_image' is none of"),
        ("max_n = 1", "max_m = 1", "models.mine.max_n", "required"),
        ("max_n = 1", 'max_n = 1\nname = "x"', "models.mine.name", "unknown key"),
        ("max_n = 1", 'max_n = 1\nsuccessor = "mine"', "models.mine.successor", "circle"),
        ("step = 25", "step = [25]", "models.mine.extra.step", "valid"),
        ("max_n = 1", 'max_n = 1\nwire_names = { size = "x" }', "models.mine.wire_names.size", "shape"),
        ("max_n = 1", 'max_n = 1\nwire_names = { shape = "" }', "models.mine.wire_names.shape", "1 character"),
        ('"http://localhost:8080/v1"', '"localhost:8080"', "providers.local.base_url", "pattern"),
        ('"LOCAL_API_KEY"', '""', "providers.local.key_env", "1 character"),
        ("[shapes.local]", "[shape.local]", "shape", "Extra"),
        ("[models.mine]", "[models.mine", "cannot be read as TOML", "line"),
    ],
)
def test_a_mistake_is_refused_by_file_and_key(tmp_path: Path, old: str, new: str, key: str, word: str) -> None:
    """The error begins with the operator's file and names the key, as it does for the shipped one."""
    with pytest.raises(CatalogError) as refused:
        load(tmp_path, changed(old, new))
    assert str(refused.value).startswith(str(tmp_path / "own.toml"))
    assert f": {key}" in str(refused.value)
    assert word in str(refused.value)


def test_a_misspelt_dialect_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not start, `models` lists nothing, `doctor` names file, key and value: no request meets it."""
    file = tmp_path / "own.toml"
    file.write_text(changed('dialect = "openai_images"', 'dialect = "openai_image"'), encoding="utf-8")
    monkeypatch.setenv("PROMPT_INTENT_CATALOG", str(file))
    with pytest.raises(
        CatalogError, match=r"own\.toml.*models\.mine\.dialect: 'openai_image' is none of openai_images"
    ):
        create_app(Settings.load())
    listed = CliRunner().invoke(commands, ["models"])
    assert isinstance(listed.exception, CatalogError)
    examined = CliRunner().invoke(commands, ["doctor", "--json"])
    assert examined.exit_code == 2
    assert "models.mine.dialect" in examined.stdout


async def test_a_providers_limit_is_its_queues(tmp_path: Path, serving: Serving, settings: Settings) -> None:
    """The service keeps to the limit that the file says."""
    slow = changed('key_env = "LOCAL_API_KEY"', 'key_env = "LOCAL_API_KEY"\nmax_in_flight = 1')
    async with serving(settings, catalog=load(tmp_path, slow)) as client:
        lanes = (await client.get("/v1/stats")).json()["lanes"]
    assert (lanes["local"]["limit"], lanes["ideogram"]["limit"]) == (1, 10)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere stops the start; the shipped file is not what is missing."""
    with pytest.raises(CatalogError, match=r"nowhere\.toml: not found") as refused:
        load_catalog(own_file=tmp_path / "nowhere.toml")
    assert str(CATALOG_FILE) not in str(refused.value)
