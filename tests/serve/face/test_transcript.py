"""The page for users of OpenAI's SDK is a transcript: its code runs, and prints what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serve.clock import Clock
from tests.serve.face.conftest import TODAY
from tests.serve.face.transcript import PAGE, replay


def test_the_page_is_what_a_run_prints(serve_face: Callable[..., Any], tmp_path: Path) -> None:
    """Every block against a real server, in order; on a difference, `tests.serve.face.transcript` writes it anew."""
    page = PAGE.read_text("utf-8")
    # A machine under load must not measure a model as slow and rank it behind the next.
    face = serve_face(clock=Clock(today=lambda: TODAY, monotonic=lambda: 0.0))
    assert replay(page, face.url, tmp_path) == page


def test_the_transcript_is_a_whole_one() -> None:
    """It shows both clients, streams, errors, keys, exports and curl, and says what they print."""
    page = PAGE.read_text("utf-8")
    code = "".join(re.findall(r"```(?:python|sh)\n(.*?)```", page, re.DOTALL))
    for shown in ("AsyncOpenAI", "stream=True", "APIStatusError", "Idempotency-Key", "/export", "curl", "models.list"):
        assert shown in code, shown
    assert len(re.findall(r"```text\n", page)) >= 8
