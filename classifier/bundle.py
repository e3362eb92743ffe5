"""The bundle, format 3: a trained classifier as a folder that proves itself.

    manifest.json    format, labels, encoder, threshold, scripts, digests, metrics, canaries, SHA-256 of the rest
    encoder.onnx     sentence encoder, pooled and normalised inside the graph
    tokenizer.json   its tokenizer
    head.npz         W, b, temperature, classes; centroids, whitening, ood_quantiles (see `outlyingness`)
    head.joblib      the fitted scikit-learn estimator, for people; nothing here ever reads it
    features.json    the surface features' patterns
    spelling.json    the words it knows, for slips to be mended

A bundle's name is the SHA-256 of its manifest, which names the SHA-256 of every other file: same content, same name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from classifier.errors import BundleError
from classifier.manifest_fields import check_fields

FORMAT = 3
MANIFEST = "manifest.json"
FILES = ("encoder.onnx", "tokenizer.json", "head.npz", "head.joblib", "features.json", "spelling.json")


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """Which encoder was exported: its name, revision, the SHA-256 of its weights, and its limits."""

    name: str
    revision: str
    sha256: str
    dim: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Canary:
    """A prompt with the probabilities the trained classifier gave it; a loader that disagrees must not serve."""

    prompt: str
    probabilities: list[float]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says. `threshold` is the confidence under which the classifier abstains, `scripts` are those
    it can read (see `IntentClassifier`)."""

    labels: list[str]
    encoder: EncoderInfo
    temperature: float
    threshold: float
    seed: int
    data: dict[str, Any]
    metrics: dict[str, Any]
    libraries: dict[str, str]
    scripts: list[str] = field(default_factory=list)
    canaries: list[Canary] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write `manifest.json` beside the finished files, hashes filled in; returns the bundle's SHA-256.

    Raises:
        BundleError: one of the format's files is not there.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BundleError(f"{folder}: cannot write a bundle without {', '.join(missing)}")
    row = asdict(manifest) | {"files": {name: sha256_of(folder / name) for name in FILES}}
    (folder / MANIFEST).write_text(json.dumps(row, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    return bundle_id(folder)


def bundle_id(folder: Path) -> str:
    """The bundle's name: hex SHA-256 of its manifest.

    Raises:
        BundleError: there is no manifest, or it cannot be read.
    """
    try:
        return sha256_of(folder / MANIFEST)
    except OSError as error:
        raise BundleError(f"{folder}: no bundle here ({MANIFEST}: {error.strerror})") from error


def read_manifest(folder: Path) -> Manifest:
    """Read a bundle's manifest and check every file against it, before anything in them is used.

    Raises:
        BundleError: no bundle there, another format, a field that is missing, added or of another kind, a missing or
            added file, or one whose hash differs.
    """
    manifest = _parse(folder)
    if set(manifest.files) != set(FILES):
        raise BundleError(f"{folder}: the manifest lists {sorted(manifest.files)}, not {sorted(FILES)}")
    for name, expected in manifest.files.items():
        if not (folder / name).is_file():
            raise BundleError(f"{folder}: {name} is missing; train again or fetch the bundle anew")
        if sha256_of(folder / name) != expected:
            raise BundleError(f"{folder}: {name} is not the file the manifest describes; fetch the bundle anew")
    return manifest


def _parse(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        row = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{folder}: no bundle here ({MANIFEST} is missing)") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        found = row.get("format") if isinstance(row, dict) else row
        raise BundleError(f"{path}: format {found!r}; this version reads format {FORMAT}")
    try:
        check_fields(row)
    except BundleError as error:
        raise BundleError(f"{path}: {error}; fetch the bundle anew or train again") from error
    encoder, canaries = EncoderInfo(**row.pop("encoder")), [Canary(**c) for c in row.pop("canaries")]
    return Manifest(encoder=encoder, canaries=canaries, **row)
