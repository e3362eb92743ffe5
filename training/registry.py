"""MLflow as its users expect it: one run a training, one version a run, aliases `@challenger` and `@champion`.

The store is SQLite under `PROMPT_INTENT_HOME` unless `MLFLOW_TRACKING_URI` names another. mlflow is imported inside
functions: 2-3 seconds that only commands about the registry pay.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.champion import REGISTERED_MODEL
from classifier.errors import FetchError
from classifier.fetch import bundle_in
from classifier.home import Home
from training.config import TrainConfig
from training.errors import RegistryError
from training.evaluation import Evaluation
from training.pipeline import Trained
from training.plots import plot_confusion, plot_reliability, plot_risk_coverage
from training.provenance import git_commit

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "prompt-intent"
# MLflow's pages then open on training runs, not on traces of language models.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
CHALLENGER, CHAMPION = "challenger", "champion"
# mlflow keeps at most 36 characters of a dataset's digest.
_DIGEST_LENGTH = 32
# What MLflow refuses in the name of a metric.
_NO_METRIC_NAME = re.compile(r"[^\w\-./: ]")


class Registry:
    """Runs, versions and aliases of one MLflow store.

    Raises:
        RegistryError: (every method) the store cannot be reached or has not got what was asked of it.
    """

    def __init__(self, home: Home, env: Mapping[str, str] = os.environ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        import mlflow  # noqa: PLC0415

        # Its own news (migrations, "Created version 1") would drown ours.
        logging.getLogger("mlflow").setLevel(logging.WARNING)

        self._mlflow = mlflow
        self._home = home
        self._remote = env.get("MLFLOW_TRACKING_URI")
        if not self._remote:
            home.root.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self._remote or home.tracking_uri)

    @property
    def client(self) -> MlflowClient:
        """mlflow's own client, for what this class does not do."""
        return self._mlflow.MlflowClient()

    def reach(self) -> None:
        """Find out that the store answers and takes runs, before work that would be for nothing without it."""
        with _store_errors("MLflow's store cannot be used"):
            self._experiment()
            self.client.search_registered_models(max_results=1)

    def log_training(self, trained: Trained, config: TrainConfig, report: str | None = None) -> tuple[str, str]:
        """Log a run with params, metrics, datasets, plots, the bundle and the HTML `report`; register `@challenger`.

        Returns:
            The run's id and the registered version.
        """
        with _store_errors("the training run could not be logged"):
            self._experiment()
            name = f"{trained.encoder.name.rsplit('/', 1)[-1]} {trained.bundle[:8]}"
            with self._mlflow.start_run(run_name=name, tags=_tags(trained)) as run:
                self._log_facts(trained, config)
                self._log_plots(trained)
                if report is not None:
                    self._mlflow.log_text(report, "report.html")
                version = self._log_bundle(trained)
            self.client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version)
        return run.info.run_id, version

    def register_run(self, run_id: str) -> str:
        """Register the bundle of any run in the store as a new version and `@challenger`, once it is proven."""
        from classifier.model import IntentClassifier  # noqa: PLC0415

        with self.downloaded(f"runs:/{run_id}/model") as folder:
            IntentClassifier.from_pretrained(folder)
        with _store_errors(f"run {run_id} could not be registered"):
            made = self._mlflow.register_model(f"runs:/{run_id}/model", REGISTERED_MODEL)
            self.client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, made.version)
        return str(made.version)

    def resolve(self, version: str | None) -> tuple[str, str]:
        """The version number and run id of a version, or of `@challenger` for None."""
        with _store_errors(
            f"no version {version or '@' + CHALLENGER} of {REGISTERED_MODEL}; run `prompt-intent train`"
        ):
            if version is None:
                found = self.client.get_model_version_by_alias(REGISTERED_MODEL, CHALLENGER)
            else:
                found = self.client.get_model_version(REGISTERED_MODEL, version)
        return str(found.version), str(found.run_id)

    def set_champion(self, version: str) -> None:
        """Move `@champion` to a version."""
        with _store_errors("@champion could not be moved"):
            self.client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version)

    @contextmanager
    def downloaded(self, uri: str) -> Iterator[Path]:
        """The bundle's folder of a `models:/` or `runs:/` URI, for as long as the context lasts."""
        self._home.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._home.cache, prefix="download-") as target:
            with _store_errors(f"{uri} could not be downloaded"):
                local = Path(self._mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=target))
            try:
                yield bundle_in(local, uri)
            except FetchError as error:
                raise RegistryError(str(error)) from error

    def _experiment(self) -> None:
        if self.client.get_experiment_by_name(EXPERIMENT) is None:
            # A remote store knows where its artifacts go; the local one is told to keep them beside its database.
            location = None if self._remote else self._home.artifacts.as_uri()
            self.client.create_experiment(EXPERIMENT, artifact_location=location, tags=_EXPERIMENT_TAGS)
        self._mlflow.set_experiment(EXPERIMENT)

    def _log_facts(self, trained: Trained, config: TrainConfig) -> None:
        import pandas as pd  # noqa: PLC0415
        from mlflow.data.pandas_dataset import from_pandas  # noqa: PLC0415

        params = asdict(config) | {"data": str(config.data), "test": str(config.test)}
        tuning = params.pop("fine_tuning") or {"epochs": 0}
        params |= {f"fine_tuning_{name}": value for name, value in tuning.items()}
        fitted = {"temperature": trained.manifest.temperature, "threshold": trained.manifest.threshold}
        self._mlflow.log_params(params | {"encoder_sha256": trained.encoder.sha256, "n_train": len(trained.rows)})
        self._mlflow.log_metrics(_metrics(trained.evaluation) | fitted)
        self._mlflow.log_dict(trained.evaluation.to_json(), "evaluation.json")
        known = trained.manifest.data
        sides = (
            (trained.rows, config.data, "training", known["fingerprint"]),
            (trained.gold, config.test, "test", known["test_digest"]),
        )
        for rows, path, context, digest in sides:
            frame = pd.DataFrame([{"prompt": row.prompt, "intent": row.intent} for row in rows])
            with warnings.catch_warnings():
                # mlflow knows two readers of a local path, and both are the same one.
                warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted")
                data = from_pandas(frame, str(path), "intent", path.stem, digest[:_DIGEST_LENGTH])
            self._mlflow.log_input(data, context=context)

    def _log_plots(self, trained: Trained) -> None:
        with tempfile.TemporaryDirectory() as folder:
            plots = Path(folder)
            plot_confusion(trained.evaluation, plots / "confusion_matrix.png")
            plot_reliability(trained.evaluation, plots / "reliability.png")
            plot_risk_coverage(trained.evaluation, plots / "risk_coverage.png")
            self._mlflow.log_artifacts(folder, "plots")

    def _log_bundle(self, trained: Trained) -> str:
        info = self._mlflow.pyfunc.log_model(
            name="model",
            loader_module="classifier.flavor",
            data_path=str(trained.folder),
            signature=_signature(trained.evaluation.classes),
            input_example=_example(),
            # Named, not inferred: inference would import everything again, and the wheel is not on an index.
            pip_requirements=["prompt-intent", "pandas"],
            registered_model_name=REGISTERED_MODEL,
        )
        version = str(info.registered_model_version)
        for key, value in _tags(trained).items():
            self.client.set_model_version_tag(REGISTERED_MODEL, version, key, value)
        return version


def _signature(classes: tuple[str, ...]) -> Any:
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec  # noqa: PLC0415

    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, "intent"),
        ColSpec(DataType.double, "confidence"),
        ColSpec(DataType.boolean, "abstained"),
    ]
    outputs += [ColSpec(DataType.double, f"p_{label}") for label in classes]
    return ModelSignature(inputs=Schema([ColSpec(DataType.string, "prompt")]), outputs=Schema(outputs))


def _example() -> Any:
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(
        {"prompt": ["banner: SALE 50% OFF, bold orange letters", "quick mockup of a sneaker on a podium"]}
    )


def _tags(trained: Trained) -> dict[str, str]:
    return {
        "git_commit": git_commit(),
        "data_fingerprint": trained.manifest.data["fingerprint"],
        "test_digest": trained.manifest.data["test_digest"],
        "encoder": trained.encoder.name,
        "encoder_sha256": trained.encoder.sha256,
        "bundle_sha256": trained.bundle,
    }


def _metrics(evaluation: Evaluation) -> dict[str, float]:
    """Every figure and both ends of its interval; slices under a prefix that MLflow's pages fold."""
    parts = {_NO_METRIC_NAME.sub("_", name): value for name, value in evaluation.part_metrics().items()}
    return evaluation.metrics() | evaluation.bounds() | parts


@contextmanager
def _store_errors(what: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        yield
    except (MlflowException, OSError) as error:
        raise RegistryError(f"{what}: {str(error).splitlines()[0]}") from error
