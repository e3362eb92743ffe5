"""Classifiers side by side: ours, sentence-transformers on torch and on its quantised ONNX graph, semantic-router.

All with MiniLM-L6 weights, each in a process of its own; in every round each of them has its turn on the same prompts,
which none has seen before.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.environments import FOLDER, python_of
from tests.benchmarks.processes import Worker, free_port, server, worker

_SINGLE, _TOGETHER = 60, 256
# Of a round, so that a slow moment of the machine falls on both that are compared.
_TURNS = 5
_BATCHES = (1, 4, 16, 64, 256)
_TYPICAL_TOKENS = range(22, 28)
_JSON = {"content-type": "application/json"}


def peer_model() -> str:
    """A folder with MiniLM-L6 that sentence-transformers loads, and may write into."""
    from training.encoder_source import packaged_weights

    folder = FOLDER / "all-MiniLM-L6-v2"
    if not folder.exists():
        shutil.copytree(packaged_weights(), folder)
    return str(folder.resolve())


def measure(prompts: Sequence[str], bundle: str, rounds: int) -> dict[str, Any]:
    """Seconds a call on one core by kind and round, prompts a second on two, and the seconds to the first answer."""
    model, fresh = peer_model(), iter(prompts)
    places = {"ours": ("ours", bundle), "torch": ("onnx", model), "onnx": ("onnx", model), "router": ("router", model)}
    found: dict[str, Any] = {"words": [], "single": {}, "batch": {}, "by_size": {}, "first_s": {}}
    with ExitStack() as stack:
        workers = {
            kind: stack.enter_context(worker(python_of(where), kind, 1, what)) for kind, (where, what) in places.items()
        }
        found["first_s"] = {kind: each.first_s for kind, each in workers.items()}
        for kind, each in workers.items():
            each.ask([f"warm up {kind} {n}" for n in range(20)])
        for _ in range(rounds):
            part = [next(fresh) for _ in range(_SINGLE)]
            found["words"].append([len(text.split()) for text in part])
            seconds = _in_turns(workers, part)
            for kind in workers:
                found["single"].setdefault(kind, []).append(seconds[kind])
    with ExitStack() as stack:
        pair = {
            kind: stack.enter_context(worker(python_of(places[kind][0]), kind, 2, places[kind][1]))
            for kind in ("ours", "torch")
        }
        for _ in range(rounds):
            part = [next(fresh) for _ in range(_TOGETHER)]
            for kind, each in pair.items():
                seconds = each.ask(part, together=True)["seconds"][0]
                found["batch"].setdefault(kind, []).append(_TOGETHER / seconds)
        for size in _BATCHES:
            part = [next(fresh) for _ in range(size)]
            for kind, each in pair.items():
                found["by_size"].setdefault(kind, []).append(size / each.ask(part, together=True)["seconds"][0])
    found["sizes"] = _BATCHES
    return found


def _in_turns(workers: Mapping[str, Worker], prompts: Sequence[str]) -> Mapping[str, list[float]]:
    """Seconds for every prompt, in order, by kind."""
    seconds: dict[str, list[float]] = {kind: [] for kind in workers}
    size = -(-len(prompts) // _TURNS)
    for start in range(0, len(prompts), size):
        for kind, each in workers.items():
            seconds[kind] += each.ask(prompts[start : start + size])["seconds"]
    return seconds


def memory(bundle: str, requests: int) -> dict[str, Any]:
    """MB after every hundred requests of ours, and of torch after a hundredth as many: it is a fifth as fast."""
    found: dict[str, Any] = {}
    for kind, where, what, n in (("ours", "ours", bundle, requests), ("torch", "onnx", peer_model(), requests // 20)):
        with worker(python_of(where), kind, 1, what) as each:
            found[kind] = [_after(each, start) for start in range(0, n, 100)]
    return found


def _after(each: Worker, start: int) -> float:
    mb: float = each.ask([f"a green door number {n} in a long street" for n in range(start, start + 100)])["rss_mb"]
    return mb


def first_over_http(bundle: str, home: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds from a process's start to its first answer over HTTP."""
    found: dict[str, list[float]] = {"ours": [], "torch": []}
    script = str(Path(__file__).parent / "peers" / "serve_torch.py")
    for _ in range(rounds):
        for kind, seconds in found.items():
            port = free_port()
            torch = [python_of("onnx"), script, str(port), peer_model()]
            ours = [str(Path(sys.executable).with_name("prompt-intent")), "serve", "--port", str(port)]
            settings = {"PROMPT_INTENT_HOME": str(home), "PROMPT_INTENT_MODEL": bundle, "HF_HUB_OFFLINE": "1"}
            began = time.perf_counter()
            with server(ours if kind == "ours" else torch, 0, (port, "/healthz"), **settings):
                _classify(port)
                seconds.append(time.perf_counter() - began)
    return found


def _classify(port: int) -> None:
    # By hand: what a client of httpx takes to be made would count as part of the start.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/classify", json.dumps({"prompt": "a red bicycle"}), _JSON)
    assert connection.getresponse().status == http.HTTPStatus.OK


def typical(prompts: Sequence[str], bundle: Path) -> list[str]:
    """The prompts of about the median length in tokens, for which the bound is calculated."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    tokenizer.no_padding()
    return [text for text in prompts if len(tokenizer.encode(text).ids) in _TYPICAL_TOKENS]


def share_of_bound(prompts: Sequence[str], bundle: Path, rounds: int) -> list[float]:
    """Seconds that the 8-bit matrix products of a typical prompt need by themselves, over ours, by round; one core."""
    os.sched_setaffinity(0, {0})
    chosen = typical(prompts, bundle)[: _SINGLE * rounds]
    products, shares = _products(_TYPICAL_TOKENS[len(_TYPICAL_TOKENS) // 2]), []
    with worker(sys.executable, "ours", 1, str(bundle)) as each:
        for number in range(rounds):
            ours, bound = [], []
            for turn in range(_TURNS):
                part = chosen[number::rounds][turn::_TURNS]
                ours += each.ask(part)["seconds"]
                bound += [products() for _ in part]
            shares.append(float(np.median(bound) / np.median(ours)))
    return shares


def _products(tokens: int) -> Any:
    """The six layers' matrix products as onnxruntime does them, and nothing between; a call returns its seconds."""
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, weights, outputs = [], [], []
    for number, (rows, columns) in enumerate([(384, 384)] * 24 + [(384, 1536)] * 6 + [(1536, 384)] * 6):
        weights.append(numpy_helper.from_array(rng.integers(-64, 64, (rows, columns), dtype=np.int8), f"w{number}"))
        nodes.append(helper.make_node("MatMulInteger", [f"x{rows}", f"w{number}"], [f"y{number}"]))
        outputs.append(helper.make_tensor_value_info(f"y{number}", TensorProto.INT32, [tokens, columns]))
    inputs = [helper.make_tensor_value_info(f"x{n}", TensorProto.UINT8, [tokens, n]) for n in (384, 1536)]
    graph = helper.make_graph(nodes, "products", inputs, outputs, weights)
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(built.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {f"x{n}": rng.integers(0, 255, (tokens, n), dtype=np.uint8) for n in (384, 1536)}

    def call() -> float:
        began = time.perf_counter()
        session.run(None, given)
        return time.perf_counter() - began

    return call
