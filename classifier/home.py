"""Where state lives: everything under `PROMPT_INTENT_HOME`, nothing elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import HomeError


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder. Nothing is created until something is written."""

    root: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Home:
        """`PROMPT_INTENT_HOME`, or `./.prompt-intent`.

        Raises:
            HomeError: a file stands in its place, or in that of a folder above it.
        """
        root = Path(env.get("PROMPT_INTENT_HOME") or ".prompt-intent").resolve()
        nearest = next((path for path in (root, *root.parents) if os.path.exists(path)), None)
        if nearest and not os.path.isdir(nearest):
            raise HomeError(f"PROMPT_INTENT_HOME {root}: {nearest} is no folder; name one, or where one can be made")
        return cls(root)

    @property
    def bundles(self) -> Path:
        """Promoted and fetched bundles, each under its SHA-256."""
        return self.root / "bundles"

    @property
    def pointer(self) -> Path:
        """The champion pointer."""
        return self.root / "champion.json"

    @property
    def cache(self) -> Path:
        """Computed things that may be deleted at any time."""
        return self.root / "cache"

    @property
    def images(self) -> Path:
        """Pictures as the vendors sent them."""
        return self.root / "images"

    @property
    def database(self) -> Path:
        """What the gateway remembers: requests, attempts, costs, images, idempotency keys, feedback."""
        return self.root / "gateway.db"

    @property
    def reports(self) -> Path:
        """HTML reports of trainings, each under the first twelve characters of its bundle's SHA-256."""
        return self.root / "reports"

    @property
    def tracking_uri(self) -> str:
        """MLflow's store when `MLFLOW_TRACKING_URI` does not name another: SQLite in the state folder."""
        return f"sqlite:///{self.root}/mlflow.db"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts, for runs in the local store."""
        return self.root / "mlartifacts"
