"""One classifier in a process of its own, asked over stdin: `python classify.py KIND THREADS MODEL`, with any Python.

KIND is `ours` (MODEL: a bundle), `torch` or `onnx` (MODEL: a folder of sentence-transformers), or `router`. All but
`ours` and `router` put a linear head of three classes on the embedding, as a user would. Each line in is a JSON object
with `texts` and `together`; each line out says how many seconds every call took, and the resident memory in MB. The
first line out comes after the first answer. Imports nothing of this project but what is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
Classify = Callable[[Sequence[str]], Any]
_UTTERANCES = {
    "preview": "a quick draft of {}",
    "text_heavy": "a poster that says {}",
    "complex_logic": "{} between two others that look at it",
}
_THINGS = (
    "a dog", "a red car", "the sea", "a lamp", "a castle", "bread", "a train", "a tulip", "an owl", "a violin",
    "a bridge", "a robot", "coffee", "a kite", "a mountain", "a clock", "a fox", "a boat", "a tree", "a hat",
)  # fmt: skip


def ours(threads: int, model: str) -> Classify:
    """The bundle, in process."""
    from classifier import IntentClassifier

    return IntentClassifier.from_pretrained(model, threads=threads).predict


def torch(threads: int, model: str) -> Classify:
    """sentence-transformers as its documentation uses it."""
    import torch as library
    from sentence_transformers import SentenceTransformer

    library.set_num_threads(threads)
    return _headed(SentenceTransformer(model, device="cpu"))


def onnx(threads: int, model: str) -> Classify:
    """sentence-transformers' own quantised ONNX backend."""
    import onnxruntime
    from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    given: dict[str, Any] = {"provider": "CPUExecutionProvider", "session_options": options}
    exported = Path(model) / "onnx" / "model_qint8_avx512_vnni.onnx"
    if not exported.exists():
        whole = SentenceTransformer(model, backend="onnx", device="cpu", model_kwargs={**given, "export": True})
        whole.save_pretrained(model)
        export_dynamic_quantized_onnx_model(whole, "avx512_vnni", model)
    given["file_name"] = f"onnx/{exported.name}"
    return _headed(SentenceTransformer(model, backend="onnx", device="cpu", model_kwargs=given))


def router(threads: int, model: str) -> Classify:
    """semantic-router with three routes of twenty utterances, asked one prompt at a time: it has no other way."""
    import torch as library
    from semantic_router import Route
    from semantic_router.encoders import LocalEncoder
    from semantic_router.routers import IndexedRouter

    library.set_num_threads(threads)
    routes = [
        Route(name=name, utterances=[text.format(thing) for thing in _THINGS]) for name, text in _UTTERANCES.items()
    ]
    route = IndexedRouter(encoder=LocalEncoder(name=model), routes=routes)
    return lambda texts: [route(text) for text in texts]


def _headed(encoder: Any) -> Classify:
    import numpy

    weights = numpy.random.default_rng(0).normal(size=(384, 3)).astype("float32")
    return lambda texts: (encoder.encode(list(texts), show_progress_bar=False) @ weights).argmax(axis=1)


def main(kind: str, threads: int, model: str) -> None:
    """Answer until stdin ends."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    kinds: dict[str, Callable[[int, str], Classify]] = {"ours": ours, "torch": torch, "onnx": onnx, "router": router}
    classify = kinds[kind](threads, model)
    classify(["the first prompt of this process"])
    _say({"first_s": time.perf_counter() - BEGAN, "rss_mb": _rss_mb()})
    for line in sys.stdin:
        asked = json.loads(line)
        calls = [asked["texts"]] if asked["together"] else [[text] for text in asked["texts"]]
        _say({"seconds": [_timed(classify, call) for call in calls], "rss_mb": _rss_mb()})


def _timed(classify: Classify, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    classify(texts)
    return time.perf_counter() - began


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
