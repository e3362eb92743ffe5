"""Which providers can be called, where and with which key: the settings and the catalogue, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import httpx

from serve.catalog import Catalog, Model, Provider
from serve.image_request import ReadyModel
from serve.policy import Health
from serve.settings import PREFIX, Settings

# Resolved by nobody: only the in-process sandbox answers to it.
SANDBOX_ORIGIN = "http://sandbox"
_SANDBOX_KEY = "sandbox"
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Target:
    """One provider as this process reaches it. `overridden`: its host is the operator's or the sandbox's."""

    base_url: str
    api_key: str | None = field(repr=False)
    overridden: bool
    image_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """Every provider of the catalogue, all of them real or all of them the sandbox."""

    sandbox: bool
    providers: Mapping[str, Target]
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings, catalog: Catalog) -> Self:
        """Real hosts and keys, or the sandbox: always, never, or (`auto`) exactly when no provider has a key.

        Raises:
            SettingsError: a variable that a provider's row names holds no key, or no URL.
        """
        real = {name: _real(provider, settings) for name, provider in catalog.providers.items()}
        keyed = any(target.api_key for target in real.values())
        if settings.sandbox == "off" or (settings.sandbox == "auto" and keyed):
            return cls(False, MappingProxyType(real))
        sandboxed = {name: _sandboxed(provider) for name, provider in catalog.providers.items()}
        return cls(True, MappingProxyType(sandboxed), tuple(_ignored(settings, catalog, real)))

    def health(self) -> Health:
        """What the policy has to know: who has a key, whose host is not the vendor's own."""
        return Health(
            keyed=frozenset(name for name, target in self.providers.items() if target.api_key),
            overridden=frozenset(name for name, target in self.providers.items() if target.overridden),
        )

    def ready(self, model: Model) -> ReadyModel:
        """The row with its host and key, ready to be called."""
        target = self.providers[model.provider]
        return ReadyModel(model, target.base_url, target.api_key or "")

    def image_hosts(self, provider: str) -> tuple[str, ...]:
        """Where this provider keeps its pictures: fetched over https from these hosts and those below them."""
        return self.providers[provider].image_hosts

    def may_fetch(self, url: httpx.URL, provider: str) -> bool:
        """Whether a picture may be fetched from `url`: https on a listed host, or the overridden host itself."""
        target = self.providers[provider]
        if url.userinfo:
            return False
        if target.overridden and _same_origin(url, httpx.URL(target.base_url)):
            return True
        if url.scheme != "https" or url.port not in (None, _HTTPS):
            return False
        host = _host(url)
        return any(host == known or host.endswith(f".{known}") for known in target.image_hosts)


def missing_keys(catalog: Catalog) -> str:
    """What to do when no provider can be called."""
    keys = ", ".join(provider.key_env for provider in catalog.providers.values())
    return f"no provider can be called: set one of {keys}, or {PREFIX}SANDBOX=auto to draw without keys"


def _real(provider: Provider, settings: Settings) -> Target:
    key = settings.vendor_key(provider.key_env)
    base_url = settings.vendor_url(provider.base_url_env) or provider.base_url
    # No vendor is called in clear text: such an address in a row is a server of the operator's own.
    if base_url == provider.base_url and base_url.startswith("https:"):
        return Target(base_url, key, False, tuple(provider.image_hosts))
    return Target(base_url, key, True, (*provider.image_hosts, _host(httpx.URL(base_url))))


def _sandboxed(provider: Provider) -> Target:
    if not provider.sandbox_path:
        return Target(provider.base_url, None, False, ())
    return Target(f"{SANDBOX_ORIGIN}{provider.sandbox_path}", _SANDBOX_KEY, True, ())


def _ignored(settings: Settings, catalog: Catalog, real: Mapping[str, Target]) -> list[str]:
    keys = [p.key_env for p in catalog.providers.values() if real[p.name].api_key]
    hosts = [p.base_url_env for p in catalog.providers.values() if settings.vendor_url(p.base_url_env)]
    if not keys and not hosts:
        return []
    advice = f"set {PREFIX}SANDBOX=off to use them" if keys else "set the provider's API key (any word will do)"
    return [f"the sandbox draws everything, so {', '.join(keys + hosts)} are ignored: {advice}"]


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, _host(one), one.port) == (other.scheme, _host(other), other.port)


def _host(url: httpx.URL) -> str:
    # raw_host is the IDNA spelling in lower case: look-alike letters cannot pass for a listed name.
    return url.raw_host.decode("ascii").lower().rstrip(".")
