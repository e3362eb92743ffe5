"""The two how-tos, followed step by step: their code blocks are what is written, and a server on loopback answers."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from serve.calling import Answer, Caller
from serve.catalog import Catalog, load_catalog
from serve.client import make_client
from serve.errors import ContentPolicyError, UpstreamQuotaError
from serve.fitting import fit
from serve.image_request import DrawnImage, ImageRequest, Usage
from serve.providers import DIALECTS
from serve.providers.base import Dialect
from serve.settings import Settings
from serve.targets import Targets
from tests.conftest import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FOX = ImageRequest('a fox with a sign: "OPEN"', n=2, aspect_ratio="16:9", quality="high", seed=7)

Reply = tuple[int, dict[str, Any]]
Says = Callable[["Asked"], Reply]


class Asked:
    """One request as the server on loopback saw it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", "0"))
        self.line = f"{handler.command} {handler.path}"
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body: dict[str, Any] = json.loads(handler.rfile.read(length) or b"{}")


class Vendor:
    """A server on loopback. `says` answers, `asked` are the requests so far."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.says: Says = lambda asked: (500, {})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                vendor.asked.append(Asked(self))
                status, body = vendor.says(vendor.asked[-1])
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """A server that is stopped afterwards."""
    running = Vendor()
    thread = threading.Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join(timeout=10)


def blocks(page: str) -> list[tuple[str, str]]:
    """The code blocks of a page in `docs`, in their order: language and text."""
    return BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))


def block(page: str, number: int, language: str) -> str:
    """The text of one block."""
    found, text = blocks(page)[number]
    assert found == language
    return text


def exported(page: str, number: int) -> dict[str, str]:
    """The variables that a shell block exports."""
    return dict(re.findall(r"^export (\w+)=(\S+)$", block(page, number, "sh"), re.MULTILINE))


def imported(folder: Path, name: str, code: str) -> ModuleType:
    """`code` saved as a module, and imported."""
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_catalog(folder: Path, page: str, number: int) -> Catalog:
    """The shipped catalogue with a page's rows, from a file of one's own."""
    file = folder / "own.toml"
    file.write_text(block(page, number, "toml"), encoding="utf-8")
    return load_catalog(own_file=file)


async def draw(catalog: Catalog, name: str, dialects: dict[str, Dialect], request: ImageRequest = FOX) -> Answer:
    """What the row draws, called as the service calls it, with the environment's keys and hosts."""
    settings = Settings.load()
    row = catalog.models[name]
    async with make_client(settings, None) as client:
        targets = Targets.from_settings(settings, catalog)
        caller = Caller(client, targets, 10.0, dialects=lambda model: dialects[model.dialect], poll_seconds=0)
        return await caller.draw(row, fit(request, row)[0])


@pytest.fixture
def easel(tmp_path: Path) -> ModuleType:
    """Step 1: the file."""
    return imported(tmp_path, "easel", block("how-to-add-a-dialect.md", 0, "python"))


@pytest.fixture
def registry(easel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, Dialect]:
    """Step 2: the row in the registry, beside those that are there."""
    row = block("how-to-add-a-dialect.md", 1, "python")
    [(name, dialect)] = eval(f"{{{row}}}", {"Dialect": Dialect, "easel": easel}).items()
    monkeypatch.setitem(DIALECTS, name, dialect)
    return DIALECTS


@pytest.fixture
def shop(tmp_path: Path, vendor: Vendor, registry: dict[str, Dialect], monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Steps 3 and 4: the rows in the catalogue, a key, and the server on loopback as the host."""
    assert "easel" in registry
    catalog = own_catalog(tmp_path, "how-to-add-a-dialect.md", 2)
    provider = catalog.providers["easel"]
    assert set(exported("how-to-add-a-dialect.md", 3)) == {provider.key_env, provider.base_url_env}
    monkeypatch.setenv(provider.key_env, "sk-easel")
    monkeypatch.setenv(provider.base_url_env, vendor.base_url)
    return catalog


async def test_the_new_dialect_draws(vendor: Vendor, registry: dict[str, Dialect], shop: Catalog, png: bytes) -> None:
    """After four steps a request goes out in the vendor's words, with the key, and its pictures and bill come back."""
    encoded = base64.b64encode(png).decode()
    vendor.says = lambda asked: (200, {"pictures": [{"base64": encoded}] * 2, "charged_usd": 0.1})
    drawn = await draw(shop, "easel-1", registry)
    assert drawn == Answer(200, [DrawnImage(data=png)] * 2, Usage(usd=0.1))
    (asked,) = vendor.asked
    assert (asked.line, asked.headers["x-easel-key"]) == ("POST /v1/pictures", "sk-easel")
    assert asked.headers["user-agent"].startswith("prompt-intent/")
    assert asked.body == {
        "model": "easel-1-large",
        "text": FOX.prompt,
        "count": 2,
        "canvas": "wide",
        "finish": "fine",
        "seed": 7,
        "watermark": False,
    }


@pytest.mark.parametrize(
    ("reply", "error", "billed"),
    [
        ((451, {"code": "weapons"}), ContentPolicyError, "no"),
        ((402, {"code": "no_credit"}), UpstreamQuotaError, "no"),
        ((200, {"pictures": [{"held": True}]}), ContentPolicyError, "yes"),
    ],
)
async def test_the_new_dialect_tells_refusals_apart(
    *, reply: Reply, error: type[Exception], billed: str, vendor: Vendor, registry: dict[str, Dialect], shop: Catalog
) -> None:
    """Its own statuses and the common ones become errors by cause that say who paid."""
    vendor.says = lambda asked: reply
    with pytest.raises(error, match=r"^easel: ") as refused:
        await draw(shop, "easel-1", registry)
    assert getattr(refused.value, "billed", None) == billed


async def test_a_vendor_that_is_polled(
    *, vendor: Vendor, registry: dict[str, Dialect], shop: Catalog, tmp_path: Path, png: bytes
) -> None:
    """Step 5: with `follow`, the order is asked for until it is done."""
    slow = imported(tmp_path, "easel_slow", block("how-to-add-a-dialect.md", 4, "python"))
    done = {"state": "done", "pictures": [{"base64": base64.b64encode(png).decode()}]}
    going = {"state": "drawing", "order": "a1"}
    vendor.says = lambda asked: (200, done if len(vendor.asked) == 3 else going)
    polled = registry | {"easel": replace(registry["easel"], follow=slow.follow)}
    assert (await draw(shop, "easel-1", polled)).images == [DrawnImage(data=png)]
    assert [asked.line for asked in vendor.asked] == ["POST /v1/pictures", *["GET /v1/orders/a1"] * 2]
    assert all(asked.headers["x-easel-key"] == "sk-easel" for asked in vendor.asked)


def test_every_block_of_the_pages_is_followed() -> None:
    """No block is added without a step that runs it, and the tests that the page speaks of are there."""
    assert [language for language, _ in blocks("how-to-add-a-dialect.md")] == [
        "python",
        "python",
        "toml",
        "sh",
        "python",
    ]
    assert [language for language, _ in blocks("how-to-add-a-server.md")] == ["toml", "sh"]
    named = re.findall(
        r"^\| `(test_\w+\.py)` \|", (ROOT / "docs/how-to-add-a-dialect.md").read_text("utf-8"), re.MULTILINE
    )
    assert named
    assert all((Path(__file__).parent / name).exists() for name in named)


@pytest.mark.parametrize("link", [False, True])
async def test_a_server_of_ones_own_draws(
    *, link: bool, vendor: Vendor, tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file and two variables: the server gets what its row says that it takes, and may answer with its own links."""
    catalog = own_catalog(tmp_path, "how-to-add-a-server.md", 0)
    provider = catalog.providers["local"]
    variables = exported("how-to-add-a-server.md", 1)
    assert set(variables) == {"PROMPT_INTENT_CATALOG", provider.key_env, provider.base_url_env}
    monkeypatch.setenv(provider.key_env, variables[provider.key_env])
    monkeypatch.setenv(provider.base_url_env, f"{vendor.base_url}/v1")
    url = f"{vendor.base_url}/generated-images/b64.png"
    entry = {"url": url} if link else {"b64_json": base64.b64encode(png).decode()}
    vendor.says = lambda asked: (200, {"created": 1, "data": [entry]})
    drawn = await draw(catalog, "sdxl-local", DIALECTS, replace(FOX, n=1, negative_prompt="fog"))
    assert drawn.images == [DrawnImage(url=url) if link else DrawnImage(data=png)]
    assert vendor.asked[0].line == "POST /v1/images/generations"
    assert vendor.asked[0].body == {
        "model": "stablediffusion",
        "prompt": FOX.prompt,
        "n": 1,
        "size": "1344x768",
        "seed": 7,
        "negative_prompt": "fog",
        "response_format": "b64_json",
        "num_inference_steps": 20,
    }
    targets = Targets.from_settings(Settings.load(), catalog)
    assert targets.may_fetch(httpx.URL(url), "local")
    assert not targets.may_fetch(httpx.URL("http://127.0.0.1:1/a.png"), "local")


def test_the_variable_of_the_catalogue_file_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that both pages name reaches the settings."""
    monkeypatch.setenv("PROMPT_INTENT_CATALOG", exported("how-to-add-a-server.md", 1)["PROMPT_INTENT_CATALOG"])
    assert Settings.load().catalog == Path("own.toml")


def test_the_servers_table_shows_rows_that_load(tmp_path: Path) -> None:
    """Every `key = value` of the table of servers can stand in the row above it."""
    page = (ROOT / "docs/how-to-add-a-server.md").read_text("utf-8").split("## 3.")[1]
    snippets = re.findall(r"`([a-z_]+ = [^`]+)`", page)
    assert snippets
    for snippet in snippets:
        key, value = next(iter(tomllib.loads(snippet).items()))
        rows = re.sub(rf"^{key} = .*\n", "", block("how-to-add-a-server.md", 0, "toml"), flags=re.MULTILINE)
        file = tmp_path / "own.toml"
        file.write_text(f"{rows}{snippet}\n", encoding="utf-8")
        assert getattr(load_catalog(own_file=file).models["sdxl-local"], key) == value
