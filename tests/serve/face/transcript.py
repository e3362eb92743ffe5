"""Runs the blocks of docs/openai-sdk.md against a running service, and puts below each what it printed.

`python -m tests.serve.face.transcript http://127.0.0.1:8000` writes the page anew, from a service on its sandbox.
`test_transcript.py` runs it against a service of its own, and the page has to stay as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = Path(__file__).parents[3] / "docs/openai-sdk.md"
SHOWN_AT = "http://127.0.0.1:8000"
# A block of code, and what it printed the last time. Blocks of other languages, and other text, stay as they are.
_BLOCK = re.compile(r"(<!-- not run -->\n)?```(python|sh)\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
_BETWEEN = "\x1e"
# What is another one in every run.
_MASKS = ((re.compile(r"\breq_[0-9a-f]{32}\b"), "req_…"), (re.compile(r"\b[0-9a-f]{32}\b"), "…"))


def replay(page: str, url: str, folder: Path) -> str:
    """The page with the outputs of a run against the service at `url`; files are written to `folder`.

    The blocks of Python are one program, as a reader would type them; each block of shell is one of its own.
    """
    programs = [match[3] for match in _BLOCK.finditer(page) if match[2] == "python" and not match[1]]
    printed = iter(_run([sys.executable, "-c", f"\nprint({_BETWEEN!r}, end='')\n".join(programs)], url, folder))

    def again(match: re.Match[str]) -> str:
        if match[1]:
            return match[0]
        shell = ["bash", "-euo", "pipefail", "-c", match[3]]
        output = next(printed) if match[2] == "python" else _run(shell, url, folder)[0]
        shown = f"\n```text\n{output}```\n" if output else ""
        return f"```{match[2]}\n{match[3]}```\n{shown}"

    return _BLOCK.sub(again, page)


def _run(command: list[str], url: str, folder: Path) -> list[str]:
    *interpreter, code = command
    done = subprocess.run(
        [*interpreter, code.replace(SHOWN_AT, url)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.replace(url, SHOWN_AT)
    for pattern, mask in _MASKS:
        told = pattern.sub(mask, told)
    return told.split(_BETWEEN)


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        PAGE.write_text(replay(PAGE.read_text("utf-8"), sys.argv[1], Path(scratch)), "utf-8")
