"""How a server's process treats memory. In child processes, for it is set for good."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_FAULTS = """
import resource
from threading import Thread
from serve.heap import keep_freed_memory

def draw():
    for _ in range(20):
        [b"x" * 1_500_000 for _ in range(5)]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for work in (draw, lambda: [thread := Thread(target=draw), thread.start(), thread.join()]):
        work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual, _ = faults(), keep_freed_memory()
faults()
print(usual, faults())
"""
_SWEPT = """
import gc
from serve.heap import sweep_seldom
gc.disable()
sweep_seldom()
print(gc.get_freeze_count() > 1_000, gc.isenabled(), gc.get_threshold()[0] > 700)
"""


def _said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's knobs")
def test_pages_are_not_made_anew_for_every_picture() -> None:
    """In the loop and in a thread: of the pages that the system has to find, not a tenth is left."""
    usual, kept = map(int, _said(_FAULTS).split())
    assert kept < usual / 10


def test_what_a_start_has_made_is_not_swept_again() -> None:
    """It is set aside, and sweeps go on, further apart."""
    assert _said(_SWEPT).split() == ["True", "True", "True"]
