"""What a user would write first: FastAPI around sentence-transformers. `python serve_torch.py PORT MODEL`."""

from __future__ import annotations

import sys
from typing import Any

import numpy
import uvicorn
from fastapi import FastAPI
from sentence_transformers import SentenceTransformer

encoder = SentenceTransformer(sys.argv[2], device="cpu")
weights = numpy.random.default_rng(0).normal(size=(384, 3)).astype("float32")
app = FastAPI()


@app.get("/healthz")
def healthz() -> str:
    """For who waits for the start."""
    return "ok"


@app.post("/v1/classify")
def classify(body: dict[str, Any]) -> dict[str, int]:
    """The class of one prompt, of three."""
    return {"intent": int((encoder.encode([body["prompt"]]) @ weights).argmax())}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
