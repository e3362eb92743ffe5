"""All that the environment may say to the service. An argument everywhere, never a global; explicit values beat it.

Every variable is `PROMPT_INTENT_` and the field's name in capitals, but for the vendors' keys and hosts, which have the
names their own tools use; an operator's own providers name theirs in the catalogue. An empty variable counts as unset.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from classifier.home import Home
from serve.errors import SettingsError

PREFIX = "PROMPT_INTENT_"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("expected http(s)://host[:port][/path], without user, query or fragment")
    return url.rstrip("/")


def _names(value: object) -> object:
    return [name.strip().lower() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _key(value: object) -> object:
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not key.isascii() or any(not char.isprintable() or char.isspace() for char in key):
        raise ValueError("has characters that no HTTP header carries")
    return key


Url = Annotated[str, AfterValidator(_origin)]
Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_names)]
Key = Annotated[SecretStr | None, BeforeValidator(_key)]


class Settings(BaseSettings):
    """What an operator decides. Times are seconds, sizes bytes, prompts are measured in characters."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, populate_by_name=True)

    openai_api_key: Key = Field(default=None, validation_alias="OPENAI_API_KEY")
    ideogram_api_key: Key = Field(default=None, validation_alias="IDEOGRAM_API_KEY")
    gemini_api_key: Key = Field(default=None, validation_alias="GEMINI_API_KEY")
    bfl_api_key: Key = Field(default=None, validation_alias="BFL_API_KEY")
    recraft_api_key: Key = Field(default=None, validation_alias="RECRAFT_API_KEY")
    openai_base_url: Url | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    ideogram_base_url: Url | None = Field(default=None, validation_alias="IDEOGRAM_BASE_URL")
    gemini_base_url: Url | None = Field(default=None, validation_alias="GEMINI_BASE_URL")
    bfl_base_url: Url | None = Field(default=None, validation_alias="BFL_BASE_URL")
    recraft_base_url: Url | None = Field(default=None, validation_alias="RECRAFT_BASE_URL")

    home: Path = Field(default=Path(".prompt-intent"), description="Where all state lives.")
    profile: str = Field(default="story", description="Which routes of routes.toml: story, or live.")
    catalog: Path | None = Field(default=None, description="A file of own providers and models, added to the shipped.")
    model: str | None = Field(default=None, description="A bundle's folder or a models:/ URI; overrides the champion.")
    sandbox: Literal["auto", "on", "off"] = "auto"
    api_key: Key = Field(default=None, description="What callers have to send as a Bearer token.")
    allowed_hosts: Names = Field(default=frozenset(), description="Host names we answer to, besides the loopback ones.")
    public_url: Url | None = Field(
        default=None, description="Base of the images' absolute URLs; by default the request's own."
    )

    max_prompt_chars: int = Field(default=32_000, ge=1)
    max_body_bytes: int = Field(default=1 << 20, ge=1)
    max_n: int = Field(default=10, ge=1)
    max_batch: int = Field(default=256, ge=1, description="Prompts in one classify call.")
    classify_threads: int = Field(default=2, ge=1, description="Classifications at once, each on a thread of its own.")
    classify_cache: int = Field(default=10_000, ge=0, description="Predictions that are remembered; 0 for none.")

    connect_timeout: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    read_timeout: float = Field(default=180.0, gt=0, allow_inf_nan=False)

    deadline: float = Field(
        default=300.0, gt=0, allow_inf_nan=False, description="For a whole request whose caller names none."
    )
    attempts: int = Field(default=3, ge=1, description="Calls to the same model for one picture, the first included.")
    rebill: bool = Field(
        default=False, description="Draw again, and maybe pay twice, when a vendor's answer was lost on the way."
    )
    fallback_on_block: bool = Field(
        default=False,
        description="Show a prompt that one vendor blocks to the next model, also if the block is billed.",
    )

    # Read once, like all the rest, for the variables that only a provider's row in the catalogue names.
    _environment: dict[str, str] = PrivateAttr(default_factory=lambda: dict(os.environ))

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        # A copied .env file holds names without values.
        return {name: value for name, value in values.items() if not isinstance(value, str) or value.strip()}

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: a variable's value is no good; names the variable, never the value.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = str(first["loc"][0])
            variable = name if name.isupper() else f"{PREFIX}{name.upper()}"
            raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from None

    def vendor_key(self, variable: str) -> str | None:
        """The key in the variable that a provider's row names, None where it is unset.

        Raises:
            SettingsError: it has characters that no HTTP header carries, or the variable is the service's own. Names
                the variable, never the value.
        """
        key = self._vendor(variable, _key)
        return key.get_secret_value() if isinstance(key, SecretStr) else key

    def vendor_url(self, variable: str) -> str | None:
        """The base URL in the variable that a provider's row names, None where it is unset.

        Raises:
            SettingsError: it is no URL of a server, or the variable is the service's own. Names the variable, never
                the value.
        """
        url = self._vendor(variable, _origin)
        return None if url is None else str(url)

    def _vendor(self, variable: str, check: Callable[[str], object]) -> SecretStr | str | None:
        for name, field in type(self).model_fields.items():
            if field.validation_alias == variable:
                known: SecretStr | str | None = getattr(self, name)
                return known
        if variable.upper().startswith(PREFIX):
            raise SettingsError(f"{variable}: is the service's own; a provider's key and host need names of theirs")
        value = self._environment.get(variable, "").strip()
        try:
            return str(check(value)) if value else None
        except ValueError as error:
            raise SettingsError(f"{variable}: {error}") from None

    @property
    def state(self) -> Home:
        """The state folder, absolute."""
        return Home(self.home.resolve())

    @property
    def hosts(self) -> frozenset[str]:
        """The names that a Host header may say, without ports."""
        public = urlsplit(self.public_url or "").hostname
        return LOOPBACK_NAMES | self.allowed_hosts | ({public} if public else frozenset())

    def bound_to(self, host: str) -> Self:
        """These settings for a server that listens on `host`, which then is a name we answer to.

        Raises:
            SettingsError: others than this machine could reach it, and no API key keeps them out.
        """
        if not is_loopback(host) and self.api_key is None:
            raise SettingsError(
                f"--host {host} can be reached from other machines: set {PREFIX}API_KEY to a secret that callers "
                "then send as a Bearer token, or stay on 127.0.0.1"
            )
        return self.model_copy(update={"allowed_hosts": self.allowed_hosts | {host.lower()}})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
