"""Settings and catalogue put together: hosts, keys, and where pictures may come from."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from serve.catalog import Catalog, Provider, load_catalog
from serve.settings import Settings
from serve.targets import Targets


@pytest.fixture
def catalog() -> Catalog:
    """The shipped one."""
    return load_catalog()


def test_the_sandbox_takes_every_provider(catalog: Catalog) -> None:
    """In the sandbox all providers are keyed and overridden, behind one origin, with no image host of the vendors'."""
    targets = Targets.from_settings(Settings(), catalog)
    health = targets.health()
    assert targets.sandbox
    assert health.keyed == health.overridden == set(catalog.providers)
    for name, provider in catalog.providers.items():
        assert targets.providers[name].base_url == f"http://sandbox{provider.sandbox_path}"
        assert targets.image_hosts(name) == ()


def test_real_targets_are_the_vendors(catalog: Catalog) -> None:
    """With a key and no override the catalogue's hosts are called with that key."""
    targets = Targets.from_settings(Settings(openai_api_key=SecretStr("sk-o")), catalog)
    assert not targets.sandbox
    assert targets.health().keyed == {"openai"}
    assert targets.health().overridden == frozenset()
    ready = targets.ready(catalog.models["gpt-image-2.5-flare"])
    assert (ready.base_url, ready.api_key) == ("https://api.openai.com/v1", "sk-o")
    assert targets.image_hosts("ideogram") == ("ideogram.ai",)


def test_an_overridden_host_holds_pictures_too(catalog: Catalog) -> None:
    """The operator's own host is called, counts as overridden, and is added to the image hosts."""
    settings = Settings(ideogram_api_key=SecretStr("sk-i"), ideogram_base_url="https://mirror.example/ideogram")
    targets = Targets.from_settings(settings, catalog)
    assert targets.health().overridden == {"ideogram"}
    assert targets.image_hosts("ideogram") == ("ideogram.ai", "mirror.example")


def test_a_host_without_a_key_leaves_the_sandbox_on_and_says_so(catalog: Catalog) -> None:
    """A base URL alone does not end the sandbox, which is decided by keys: a warning says how to use the host."""
    targets = Targets.from_settings(Settings(openai_base_url="http://localhost:8080/v1"), catalog)
    assert targets.sandbox
    (warning,) = targets.warnings
    assert "OPENAI_BASE_URL" in warning
    assert "key" in warning


def test_keys_are_not_shown(catalog: Catalog) -> None:
    """The repr of the targets may be logged."""
    assert "hunter2" not in repr(Targets.from_settings(Settings(openai_api_key=SecretStr("hunter2")), catalog))


LOCAL = Provider(
    name="local", base_url="http://localhost:8080/v1", key_env="LOCAL_API_KEY", base_url_env="LOCAL_BASE_URL"
)


def with_local(catalog: Catalog, **changes: str) -> Catalog:
    """The shipped catalogue and a server of the operator's own."""
    local = LOCAL.model_copy(update=changes)
    return catalog.model_copy(update={"providers": catalog.providers | {"local": local}})


def test_a_provider_may_name_variables_of_its_own(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key and host are read from whatever variables its row names; pictures may come from that host."""
    monkeypatch.setenv("LOCAL_API_KEY", "any")
    monkeypatch.setenv("LOCAL_BASE_URL", "http://images.internal:8080/v1")
    targets = Targets.from_settings(Settings(), with_local(catalog))
    assert not targets.sandbox
    assert targets.health().keyed == targets.health().overridden == {"local"}
    assert targets.providers["local"].base_url == "http://images.internal:8080/v1"
    assert targets.may_fetch(httpx.URL("http://images.internal:8080/generated-images/a.png"), "local")
    assert not targets.may_fetch(httpx.URL("http://images.internal:9090/generated-images/a.png"), "local")


@pytest.mark.parametrize(("base_url", "own"), [("http://localhost:8080/v1", True), ("https://vendor.example", False)])
def test_clear_text_in_a_row_means_a_server_of_ones_own(catalog: Catalog, base_url: str, own: bool) -> None:
    """No vendor is called over http: such a host is the operator's, as if a variable had named it."""
    targets = Targets.from_settings(Settings(sandbox="off"), with_local(catalog, base_url=base_url))
    assert ("local" in targets.health().overridden) is own


def test_a_providers_key_that_is_not_set_leaves_it_out(catalog: Catalog) -> None:
    """A misspelt or unset variable is a provider without a key, not a failed start."""
    targets = Targets.from_settings(Settings(openai_api_key=SecretStr("sk-o")), with_local(catalog))
    assert targets.health().keyed == {"openai"}


def test_the_sandbox_does_not_stand_in_for_ones_own_server(catalog: Catalog) -> None:
    """A provider without a path in the sandbox is not called while it draws everything else."""
    targets = Targets.from_settings(Settings(), with_local(catalog))
    assert targets.sandbox
    assert targets.health().keyed == set(catalog.providers)


def test_the_vendors_own_host_in_a_variable_overrides_nothing(catalog: Catalog) -> None:
    """Who exports the vendor's own address is not taken for a private server that still serves dead models."""
    settings = Settings(openai_api_key=SecretStr("sk-o"), openai_base_url="https://api.openai.com/v1/")
    assert Targets.from_settings(settings, catalog).health().overridden == frozenset()
