"""How a server's process treats memory, set once for its life by the interpreter's and the C library's own knobs."""

from __future__ import annotations

import ctypes
import gc

# Objects made before the first sweep for garbage, and sweeps before the next wider one. As Python comes (700, 10, 10),
# 64 requests at once take some 5 % longer.
_SWEEPS = (10_000, 20, 20)
# glibc's names for them (malloc.h), and what each is set to.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES, _APART_BYTES = 32 << 20, 8 << 20


def keep_freed_memory() -> None:
    """Keep up to 32 MB that were freed for what is needed next, in one heap for all threads; without glibc, nothing.

    As it comes, the pages of every picture of a megabyte are given back to the system and made anew for the next: a
    quarter fewer of them a second.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for knob, value in ((_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_MMAP_THRESHOLD, _APART_BYTES), (_M_ARENA_MAX, 1)):
        mallopt(knob, value)


def sweep_seldom() -> None:
    """What a start has made stays until the end, and most of what a request makes goes by itself."""
    gc.freeze()
    gc.set_threshold(*_SWEEPS)
    gc.enable()
