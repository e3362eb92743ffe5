"""The champion pointer, and the way from any name of a bundle to its folder.

`classify` and `serve` read `champion.json`; they never import mlflow (2-3 s and some 165 MB). Any other `models:/` or
`runs:/` URI is fetched by a child process.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.bundle import bundle_id, read_manifest
from classifier.errors import BundleError, ChampionError, FetchError
from classifier.home import Home

REGISTERED_MODEL = "prompt-intent"
CHAMPION_URI = f"models:/{REGISTERED_MODEL}@champion"
_URI_SCHEMES = ("models:/", "runs:/")


@dataclass(frozen=True, slots=True)
class Champion:
    """A promoted version: its registry number, its bundle's SHA-256, and the MLflow run that made it."""

    version: str
    bundle: str
    run_id: str


def read_champions(home: Home) -> list[Champion]:
    """The champion and, behind it, those that `rollback` can return to, latest first; empty before the first promotion.

    Raises:
        ChampionError: the pointer is there and cannot be read.
    """
    try:
        row: dict[str, Any] = json.loads(home.pointer.read_text("utf-8"))
        return [_champion(r) for r in [row, *row.get("previous", [])]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ChampionError(
            f"{home.pointer}: cannot be read ({error}); promote a version again, or remove the file and train one"
        ) from error


def _champion(row: dict[str, Any]) -> Champion:
    champion = Champion(row["version"], row["bundle"], row["run_id"])
    if not all(isinstance(value, str) for value in (champion.version, champion.bundle, champion.run_id)):
        raise TypeError(f"version, bundle and run_id must be strings, not {row}")
    return champion


def read_champion(home: Home) -> Champion:
    """The version to serve.

    Raises:
        ChampionError: nothing is promoted yet, or the pointer cannot be read.
    """
    champions = read_champions(home)
    if not champions:
        raise ChampionError(f"no champion under {home.root}: run `prompt-intent train` first")
    return champions[0]


def write_champions(home: Home, champions: list[Champion]) -> None:
    """Replace the pointer atomically; a reader sees the old one or the new one, never a half, whoever else writes."""
    row = asdict(champions[0]) | {"previous": [asdict(c) for c in champions[1:]]}
    home.root.mkdir(parents=True, exist_ok=True)
    fresh = home.pointer.with_name(f"{home.pointer.name}.{secrets.token_hex(8)}.new")
    try:
        with fresh.open("x", encoding="utf-8") as file:
            file.write(json.dumps(row, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(home.pointer)
    finally:
        fresh.unlink(missing_ok=True)


def kept_bundle(home: Home, bundle: str) -> Path:
    """The folder of a bundle that was kept, given its SHA-256. A manifest proves the files; its name proves it itself.

    Raises:
        BundleError: it is gone, or its manifest is another one now.
    """
    folder = home.bundles / bundle
    if not folder.is_dir():
        raise BundleError(f"{folder}: the bundle is gone; promote a version again")
    if bundle_id(folder) != bundle:
        raise BundleError(f"{folder}: not the bundle of this name; remove the folder and promote a version again")
    return folder


def keep_bundle(home: Home, folder: Path, bring: Callable[[Path, Path], object] = shutil.copytree) -> Path:
    """Bring a proven bundle to `bundles/<sha256>`; one that is there and whole already stays as it is.

    Args:
        bring: copies a folder to a new place; or moves it there, such as `shutil.move`.

    Raises:
        BundleError: the bundle cannot be proven, or what is there under its name is another one.
    """
    read_manifest(folder)
    kept = home.bundles / bundle_id(folder)
    if kept.exists():
        return _whole(home, kept)
    home.bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.bundles, prefix=".incoming-") as incoming:
        bring(folder, Path(incoming) / "bundle")
        try:
            (Path(incoming) / "bundle").rename(kept)
        except OSError:
            # Another process may have kept the same bundle meanwhile: then theirs will do.
            if not kept.exists():
                raise
            return _whole(home, kept)
    return kept


def _whole(home: Home, kept: Path) -> Path:
    """A kept bundle, proven: one that is damaged is somebody's to look at, and never replaced unasked."""
    try:
        read_manifest(kept_bundle(home, kept.name))
    except BundleError as error:
        raise BundleError(f"{kept} is damaged: remove the folder and try again ({error})") from error
    return kept


def locate(uri_or_folder: str | Path | None, home: Home | None = None) -> Path:
    """The folder of a bundle, given a folder, a `models:/` or `runs:/` URI, or None for the champion.

    Raises:
        ChampionError: None or the champion's URI was asked for, and nothing is promoted.
        BundleError: the champion's bundle is gone or is another one now, or what was fetched cannot be proven.
        FetchError: the URI cannot be fetched, or the folder is not there.
    """
    home = home or Home.from_env()
    if uri_or_folder is None or str(uri_or_folder) == CHAMPION_URI:
        return kept_bundle(home, read_champion(home).bundle)
    if str(uri_or_folder).startswith(_URI_SCHEMES):
        return _fetch(str(uri_or_folder), home)
    folder = Path(uri_or_folder)
    if not folder.is_dir():
        raise FetchError(f"{folder}: no such folder; give a bundle's folder or a models:/ or runs:/ URI")
    return folder


def _fetch(uri: str, home: Home) -> Path:
    """Have a child process download the model, and keep its bundle: importing mlflow would cost the server 165 MB."""
    home.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.cache, prefix="fetch-") as target:
        command = [sys.executable, "-m", "classifier.fetch", uri, target, str(home.root)]
        child = subprocess.run(command, capture_output=True, text=True, check=False)
        if child.returncode != 0:
            reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FetchError(f"{uri}: {reason}")
        return keep_bundle(home, Path(child.stdout.strip().splitlines()[-1]))
