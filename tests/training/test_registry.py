"""MLflow as its users expect it, and the gates between a trained version and the champion."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from classifier import IntentClassifier
from tests.conftest import ROOT, TrainedHome, run_command, write_rows

PROMPTS = ["a neon sign that says OPEN", "a red apple", "three owls, one asleep", ""]

# mlflow and its own dependencies deprecate among themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]


@pytest.fixture
def client(trained: TrainedHome) -> Any:
    import mlflow

    uri = f"sqlite:///{trained.home}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(uri, uri)


def test_a_run_holds_what_a_data_scientist_looks_for(trained: TrainedHome, client: Any) -> None:
    """Params, metrics with intervals, both datasets with digests, plots, the report and tags are on the run."""
    run = client.get_run(trained.answer["run_id"])
    assert run.data.metrics["strict"] == pytest.approx(trained.answer["evaluation"]["strict"], abs=1e-6)
    assert run.data.params["encoder"] == "all-MiniLM-L6-v2"
    assert {"git_commit", "data_fingerprint", "encoder_sha256"} <= set(run.data.tags)
    inputs = {tag.value: i.dataset.digest for i in run.inputs.dataset_inputs for tag in i.tags}
    assert inputs["training"] == run.data.tags["data_fingerprint"][:32]
    assert set(inputs) == {"training", "test"}
    plots = {item.path for item in client.list_artifacts(run.info.run_id, "plots")}
    assert plots == {f"plots/{name}.png" for name in ("confusion_matrix", "reliability", "risk_coverage")}
    metrics = run.data.metrics
    assert metrics["strict_low"] < metrics["strict"] < metrics["strict_high"]
    assert {"calibration_slope", "ece_inside_band", "rule_wrong_strict", "slice/language:en/strict"} <= set(metrics)
    assert "report.html" in {item.path for item in client.list_artifacts(run.info.run_id)}


def test_the_version_has_aliases_and_tags(trained: TrainedHome, client: Any) -> None:
    """The first version is challenger and, having beaten the keyword rule, champion."""
    challenger = client.get_model_version_by_alias("prompt-intent", "challenger")
    champion = client.get_model_version_by_alias("prompt-intent", "champion")
    assert str(challenger.version) == str(champion.version) == trained.answer["version"]
    assert champion.tags["bundle_sha256"] == trained.answer["bundle"]
    pointer = json.loads((trained.home / "champion.json").read_text())
    assert pointer["run_id"] == trained.answer["run_id"]


def test_pyfunc_gives_our_probabilities(trained: TrainedHome, client: Any) -> None:
    """`mlflow.pyfunc.load_model` answers with the documented columns, equal to our loader to 1e-6."""
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model("models:/prompt-intent@champion")
    frame = model.predict(pd.DataFrame({"prompt": PROMPTS}))
    ours = IntentClassifier.from_pretrained(trained.bundle).predict_proba(PROMPTS)
    columns = ["p_preview", "p_text_heavy", "p_complex_logic"]
    assert list(frame.columns) == ["intent", "confidence", "abstained", *columns]
    assert np.abs(frame[columns].to_numpy() - ours).max() < 1e-6
    signature = model.metadata.signature
    assert signature.inputs.input_names() == ["prompt"]
    assert signature.outputs.input_names() == list(frame.columns)


@pytest.fixture
def scoring_server(trained: TrainedHome) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{trained.home}/mlflow.db", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/prompt-intent@champion",
        "--env-manager",
    ]
    server = subprocess.Popen(
        [*command, "local", "--port", str(port), "--host", "127.0.0.1"],
        env=env | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/ping", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise AssertionError(f"the scoring server did not answer (exit code {server.poll()})")


def test_mlflow_models_serve_gives_our_probabilities(trained: TrainedHome, scoring_server: str) -> None:
    """The stock scoring server answers with our loader's probabilities to 1e-6."""
    body = {"dataframe_split": {"columns": ["prompt"], "data": [[prompt] for prompt in PROMPTS]}}
    rows = httpx.post(f"{scoring_server}/invocations", json=body, timeout=60).json()["predictions"]
    served = [[row["p_preview"], row["p_text_heavy"], row["p_complex_logic"]] for row in rows]
    ours = IntentClassifier.from_pretrained(trained.bundle).predict_proba(PROMPTS)
    assert np.abs(np.array(served) - ours).max() < 1e-6


def test_promote_register_and_roll_back(trained: TrainedHome, tiny_encoder: Path, tmp_path: Path) -> None:
    """A worse challenger is refused, a registered good run promoted, and rollback returns."""
    home = tmp_path / "home"
    shutil.copytree(trained.home, home)
    data, test = ("--data", str(trained.data)), ("--test", str(trained.test))
    options = {"home": home, "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"}
    worse = run_command("train", *data, *test, "--encoder", str(tiny_encoder), "--json", **options)
    assert worse.code == 0, worse.err
    refused = run_command("promote", *test, **options)
    assert refused.code == 1
    assert "worse than the champion" in refused.err
    assert _pointer(home)["version"] == "1"
    again = run_command("register", trained.answer["run_id"], "--json", **options)
    assert json.loads(again.out)["version"] == "3", again.err
    assert run_command("promote", *test, **options).code == 0
    assert (_pointer(home)["version"], _pointer(home)["bundle"]) == ("3", trained.answer["bundle"])
    back = run_command("rollback", "--json", **options)
    assert json.loads(back.out)["version"] == "1"
    assert _pointer(home)["version"] == "1"
    assert run_command("rollback", **options).code == 1
    compared = run_command("compare", "2", "champion", *test, "--json", **options)
    assert json.loads(compared.out)["difference"] < 0


def _pointer(home: Path) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((home / "champion.json").read_text())
    return row


def test_the_gate_scores_both_sides_on_todays_test_set(trained: TrainedHome, tmp_path: Path) -> None:
    """Comparing uses the file it is given, whatever the stored figures say."""
    rows = [{"prompt": "a cat", "intent": "preview"}, {"prompt": 'sign "GO"', "intent": "text_heavy"}]
    test = write_rows(tmp_path / "tiny.jsonl", rows)
    done = run_command("compare", "champion", str(trained.bundle), "--test", str(test), "--json", home=trained.home)
    assert json.loads(done.out)["n"] == 2


def test_a_first_champion_that_cannot_beat_the_rule_is_refused(
    trained: TrainedHome, tiny_encoder: Path, tmp_path: Path
) -> None:
    """On a test set that the keyword rule gets right, training stops with the figures and no champion."""
    rows = [{"prompt": f'sign {n} that says "GO {n}"', "intent": "text_heavy"} for n in range(30)]
    test = write_rows(tmp_path / "easy.jsonl", rows)
    done = run_command(
        "train",
        "--data",
        str(trained.data),
        "--test",
        str(test),
        "--encoder",
        str(tiny_encoder),
        home=tmp_path / "home",
    )
    assert done.code == 1
    assert "does not beat the keyword rule" in done.err
    assert not (tmp_path / "home" / "champion.json").exists()


def test_evaluate_prints_figures_and_json(trained: TrainedHome) -> None:
    """`evaluate --gold` scores the champion beside the rule, for people and for programs."""
    gold = ("--gold", str(trained.test))
    done = run_command("evaluate", *gold, "--json", home=trained.home)
    row = json.loads(done.out)
    assert row["strict"] == pytest.approx(trained.answer["evaluation"]["strict"], abs=1e-6)
    assert row["keyword_rule"]["low"] > 0
    assert "macro-F1" in run_command("evaluate", *gold, home=trained.home).out


def test_a_missing_gold_file_is_one_line(trained: TrainedHome, tmp_path: Path) -> None:
    """Known errors are a sentence and exit code 1."""
    done = run_command("evaluate", "--gold", str(tmp_path / "none.jsonl"), home=trained.home)
    assert done.code == 1
    assert "cannot be read" in done.err
    assert "Traceback" not in done.err
