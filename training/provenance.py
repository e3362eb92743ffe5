"""Where a figure comes from: the command, the code and the day."""

from __future__ import annotations

import importlib.metadata
import subprocess
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Provenance:
    """The command line that gave a result, the git commit and the version of this package it ran on, and the day.

    `changed`: tracked files differed from the commit.
    """

    command: str
    commit: str
    changed: bool
    package: str
    day: date


def provenance(command: str, day: date) -> Provenance:
    """`command` on the code that is running now."""
    package = importlib.metadata.version("prompt-intent")
    return Provenance(command, git_commit(), _changed(), package, day)


def git_commit() -> str:
    """The commit of the working directory, or "unknown" where there is no git or no repository."""
    return _git("rev-parse", "HEAD") or "unknown"


def _changed() -> bool:
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
