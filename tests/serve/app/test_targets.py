"""Settings and catalogue put together: hosts, keys, and where pictures may come from."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from serve.catalog import Catalog, load_catalog
from serve.errors import CatalogError
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


def test_a_provider_whose_variable_is_unknown_is_a_mistake_of_the_catalogue(catalog: Catalog) -> None:
    """A row that names a variable the settings do not have is refused at start-up by name."""
    strange = catalog.providers["openai"].model_copy(update={"key_env": "STRANGE_API_KEY"})
    with pytest.raises(CatalogError, match="STRANGE_API_KEY"):
        Targets.from_settings(Settings(), catalog.model_copy(update={"providers": {"openai": strange}}))
