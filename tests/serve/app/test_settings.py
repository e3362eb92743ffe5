"""The environment, read once: every variable by its name, bad values named, secrets never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from serve.errors import SettingsError
from serve.settings import Settings, is_loopback


def test_the_defaults_need_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty environment is the keyless default on loopback."""
    monkeypatch.delenv("PROMPT_INTENT_HOME")
    settings = Settings.load()
    assert (settings.sandbox, settings.api_key, settings.model) == ("auto", None, None)
    assert settings.state.root == (Path.cwd() / ".prompt-intent").resolve()
    assert settings.hosts == {"localhost", "127.0.0.1", "::1"}
    limits = (settings.max_prompt_chars, settings.max_body_bytes, settings.max_n, settings.max_batch)
    assert limits == (32_000, 1_048_576, 10, 256)
    assert (settings.connect_timeout, settings.read_timeout) == (5.0, 180.0)
    assert (settings.profile, settings.deadline, settings.attempts, settings.rebill) == ("story", 300.0, 3, False)
    assert not settings.fallback_on_block


def test_every_variable_reaches_its_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The names that operators rely on are read, lists by commas, URLs without their last slash."""
    environment = {
        "OPENAI_API_KEY": " sk-o\n",
        "IDEOGRAM_API_KEY": "sk-i",
        "GEMINI_API_KEY": "sk-g",
        "BFL_API_KEY": "sk-b",
        "RECRAFT_API_KEY": "sk-r",
        "OPENAI_BASE_URL": "http://localhost:8080/v1/",
        "IDEOGRAM_BASE_URL": "https://i.example",
        "GEMINI_BASE_URL": "https://g.example",
        "BFL_BASE_URL": "https://b.example/",
        "RECRAFT_BASE_URL": "https://r.example/v1",
        "PROMPT_INTENT_HOME": str(tmp_path),
        "PROMPT_INTENT_PROFILE": "live",
        "PROMPT_INTENT_CATALOG": str(tmp_path / "own.toml"),
        "PROMPT_INTENT_MODEL": "models:/prompt-intent/3",
        "PROMPT_INTENT_SANDBOX": "off",
        "PROMPT_INTENT_API_KEY": "s3cret",
        "PROMPT_INTENT_ALLOWED_HOSTS": "A.example, b.example,",
        "PROMPT_INTENT_PUBLIC_URL": "https://P.example/api/",
        "PROMPT_INTENT_MAX_PROMPT_CHARS": "5",
        "PROMPT_INTENT_MAX_BODY_BYTES": "6",
        "PROMPT_INTENT_MAX_N": "7",
        "PROMPT_INTENT_MAX_BATCH": "8",
        "PROMPT_INTENT_CLASSIFY_THREADS": "9",
        "PROMPT_INTENT_CLASSIFY_CACHE": "10",
        "PROMPT_INTENT_CONNECT_TIMEOUT": "1.5",
        "PROMPT_INTENT_READ_TIMEOUT": "30",
        "PROMPT_INTENT_DEADLINE": "45.5",
        "PROMPT_INTENT_ATTEMPTS": "1",
        "PROMPT_INTENT_REBILL": "true",
        "PROMPT_INTENT_FALLBACK_ON_BLOCK": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    keys = [settings.openai_api_key, settings.ideogram_api_key, settings.gemini_api_key, settings.api_key]
    assert [key.get_secret_value() if key else None for key in keys] == ["sk-o", "sk-i", "sk-g", "s3cret"]
    assert (settings.vendor_key("BFL_API_KEY"), settings.vendor_key("RECRAFT_API_KEY")) == ("sk-b", "sk-r")
    assert (settings.profile, settings.catalog) == ("live", tmp_path / "own.toml")
    assert settings.openai_base_url == "http://localhost:8080/v1"
    assert (settings.ideogram_base_url, settings.gemini_base_url) == ("https://i.example", "https://g.example")
    assert (settings.home, settings.model, settings.sandbox) == (tmp_path, "models:/prompt-intent/3", "off")
    assert settings.hosts >= {"a.example", "b.example", "p.example"}
    assert (settings.max_prompt_chars, settings.max_body_bytes, settings.max_n, settings.max_batch) == (5, 6, 7, 8)
    assert (settings.classify_threads, settings.connect_timeout, settings.read_timeout) == (9, 1.5, 30.0)
    assert (settings.classify_cache, settings.deadline, settings.attempts) == (10, 45.5, 1)
    assert all((settings.rebill, settings.fallback_on_block))
    assert len(environment) == len(Settings.model_fields)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "PROMPT_INTENT_API_KEY", "OPENAI_BASE_URL", "PROMPT_INTENT_MODEL"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_unset(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is there and empty, as in a copied .env file, changes nothing."""
    monkeypatch.setenv(name, value)
    settings = Settings.load()
    values = (settings.openai_api_key, settings.api_key, settings.openai_base_url, settings.model)
    assert values == (None, None, None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROMPT_INTENT_SANDBOX", "maybe"),
        ("PROMPT_INTENT_MAX_N", "many"),
        ("PROMPT_INTENT_MAX_N", "0"),
        ("PROMPT_INTENT_READ_TIMEOUT", "inf"),
        ("PROMPT_INTENT_CONNECT_TIMEOUT", "-1"),
        ("PROMPT_INTENT_DEADLINE", "inf"),
        ("PROMPT_INTENT_ATTEMPTS", "0"),
        ("PROMPT_INTENT_REBILL", "perhaps"),
        ("OPENAI_BASE_URL", "localhost:8080"),
        ("GEMINI_BASE_URL", "ftp://g.example"),
        ("IDEOGRAM_BASE_URL", "https://user:hunter2@i.example"),
        ("PROMPT_INTENT_PUBLIC_URL", "https://p.example?x=hunter2"),
        ("OPENAI_API_KEY", "hunter2 hunter2"),
        ("GEMINI_API_KEY", "hunter2\u2019"),
        ("PROMPT_INTENT_API_KEY", "hunter2\x00".replace("\x00", "\x01")),
    ],
)
def test_a_bad_value_names_its_variable_and_not_itself(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which variable and what is expected, and repeats nothing that may be a secret."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: ") as refused:
        Settings.load()
    assert "hunter2" not in str(refused.value)


def test_a_providers_row_may_name_any_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that no field is for is read once, at the start, by the same rules; an empty one is unset."""
    monkeypatch.setenv("LOCAL_API_KEY", " any \n")
    monkeypatch.setenv("LOCAL_BASE_URL", "http://localhost:8080/v1/")
    monkeypatch.setenv("BLANK_API_KEY", " ")
    settings = Settings.load()
    monkeypatch.setenv("LOCAL_API_KEY", "another")
    assert (settings.vendor_key("LOCAL_API_KEY"), settings.vendor_key("BLANK_API_KEY")) == ("any", None)
    assert settings.vendor_url("LOCAL_BASE_URL") == "http://localhost:8080/v1"
    assert (settings.vendor_key("NEVER_SET"), settings.vendor_url("NEVER_SET")) == (None, None)
    assert settings.bound_to("127.0.0.1").vendor_key("LOCAL_API_KEY") == "any"


def test_a_known_variable_is_the_settings_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that was given goes before the environment, also where a provider's row names the variable."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    settings = Settings(openai_api_key=SecretStr("sk-given"), openai_base_url="https://given.example")
    assert settings.vendor_key("OPENAI_API_KEY") == "sk-given"
    assert settings.vendor_url("OPENAI_BASE_URL") == "https://given.example"
    assert settings.vendor_url("GEMINI_BASE_URL") is None


def test_the_services_own_key_is_no_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """No spelling in a provider's row leads to the key that our callers send."""
    monkeypatch.setenv("PROMPT_INTENT_API_KEY", "s3cret")
    settings = Settings.load()
    assert (settings.vendor_key("api_key"), settings.vendor_key("API_KEY")) == (None, None)
    with pytest.raises(SettingsError, match=r"^PROMPT_INTENT_API_KEY: "):
        settings.vendor_key("PROMPT_INTENT_API_KEY")


def test_a_bad_variable_of_a_providers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which variable it is, and nothing of what it holds."""
    monkeypatch.setenv("LOCAL_API_KEY", "hunter2 hunter2")
    monkeypatch.setenv("LOCAL_BASE_URL", "hunter2")
    settings = Settings.load()
    for ask, name in ((settings.vendor_key, "LOCAL_API_KEY"), (settings.vendor_url, "LOCAL_BASE_URL")):
        with pytest.raises(SettingsError, match=f"^{name}: ") as refused:
            ask(name)
        assert "hunter2" not in str(refused.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor str of the settings holds a key."""
    monkeypatch.setenv("LOCAL_API_KEY", "hunter2")
    settings = Settings(openai_api_key=SecretStr("hunter2"), api_key=SecretStr("hunter2"))
    assert "hunter2" not in f"{settings!r} {settings!s}"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"])
def test_loopback_needs_no_key(host: str) -> None:
    """A server that only this machine reaches may be open, and answers to the name it is bound to."""
    assert is_loopback(host)
    assert host.lower() in Settings().bound_to(host).hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "images.example", ""])
def test_any_other_address_needs_one(host: str) -> None:
    """Without PROMPT_INTENT_API_KEY the service refuses to be reachable; with it, the bound name is answered to."""
    with pytest.raises(SettingsError, match="PROMPT_INTENT_API_KEY"):
        Settings().bound_to(host)
    assert host in Settings(api_key=SecretStr("s3cret")).bound_to(host).hosts
