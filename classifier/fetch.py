"""`python -m classifier.fetch URI FOLDER HOME`: download a registered model, print its bundle's folder. The one place
outside training that imports mlflow, run as a child process so that a server never does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from classifier.errors import FetchError
from classifier.home import Home


def fetch(uri: str, target: Path, home: Home) -> Path:
    """Download `uri` into `target` and return the bundle's folder inside it.

    Raises:
        FetchError: mlflow is not installed, the store does not have it, or it holds no bundle.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        import mlflow  # noqa: PLC0415 - heavy, and only this child process may pay for it
    except ModuleNotFoundError as error:
        raise FetchError("mlflow is not installed: pip install 'prompt-intent[train]'") from error
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI") or home.tracking_uri)
    try:
        local = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(target)))
    except Exception as error:  # the store may fail in as many ways as there are stores
        raise FetchError(str(error).splitlines()[0]) from error
    return bundle_in(local, uri)


def bundle_in(model: Path, uri: str) -> Path:
    """The bundle's folder inside a downloaded MLflow model.

    Raises:
        FetchError: there is none.
    """
    found = sorted(model.glob("**/manifest.json"))
    if not found:
        raise FetchError(f"{uri} holds no prompt-intent bundle (no manifest.json in it)")
    return found[0].parent


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{fetch(sys.argv[1], Path(sys.argv[2]), Home(Path(sys.argv[3])))}\n")
    except FetchError as failure:
        sys.exit(str(failure))
