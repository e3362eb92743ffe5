"""docs/benchmarks.md from the figures of a run: ratios with their spread, and what they were taken from."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_HEAD = """# Benchmarks

Written by `make bench`, {date}: {rounds} interleaved rounds in {minutes} minutes on {processor}, {cores} cores shared
with others. Ratios, because milliseconds belong to a machine: each is the median over the rounds, with the least and
the largest. Prompts are unique, caches off, peers warm, with MiniLM-L6 weights and the same threads. Gateways
run on one core, the load and the vendor on the other; ours may have 64 calls at a vendor, as the load has clients, and
not the 24 of its catalogue. At 64 a round is 1,500 requests, of which little is beginning or end. Repeat it with
`make run` once, then `make bench`, on a disk that was left alone for five minutes: on ext4 a new file takes 14
microseconds, and 700 for a while after thousands were deleted, and ours keeps a file a picture.

{versions}
"""
_PLOTS = """
Where less is measured than wanted: of a classification's graph half is matrix products, the rest are activations,
norms and the rounding of inputs between them; a start is imports for the most part (FastAPI, pydantic, numpy);
a request through the gateway is one and a half milliseconds of Python spread flat over FastAPI, httpx, aiohttp,
pydantic and our own steps, a sixth of it for two transactions, so that nothing is answered that is not written.

![Latency by prompt length](benchmarks/latency.svg)
![Throughput by batch size](benchmarks/throughput.svg)
![Overhead by concurrency](benchmarks/overhead.svg)
![Memory over time](benchmarks/memory.svg)
"""
Row = tuple[str, str, Sequence[float], str]


def written(figures: dict[str, Any]) -> str:
    """The page, in Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in figures["versions"].items())
    told = {**figures, **figures["machine"], "versions": f"Versions: {versions}."}
    head = _HEAD.format(**told)
    table = ["| figure | wanted | measured (least to largest) | from |", "|---|---:|---:|---|"]
    for what, wanted, ratios, source in (*_classifying(figures), *_gateways(figures)):
        spread = f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"
        table.append(f"| {what} | {wanted} | {spread} | {source} |")
    return head + "\n" + "\n".join(table) + "\n" + _PLOTS


def _classifying(figures: dict[str, Any]) -> Iterator[Row]:
    found = figures["classifiers"]
    p50 = {kind: [statistics.median(part) * 1000 for part in rounds] for kind, rounds in found["single"].items()}
    for kind, name, wanted in (
        ("torch", "sentence-transformers on torch", "5"),
        ("onnx", "its ONNX int8 backend", "1.5"),
        ("router", "semantic-router, 3 routes", "5"),
    ):
        yield f"one prompt, one core, p50: {name} / ours", wanted, _over(p50[kind], p50["ours"]), _ms(p50, kind, "ours")
    yield "share of the int8 product bound, one prompt", "0.40", figures["bound"], "prompts of 22 to 27 tokens"
    batch = found["batch"]
    rate = f"{_median(batch['ours']):.0f} and {_median(batch['torch']):.0f} prompts a second"
    yield "256 at once, two threads: ours / sentence-transformers", "3", _over(batch["ours"], batch["torch"]), rate
    first, http = found["first_s"], figures["over_http"]
    in_process = f"{first['torch']:.1f} and {first['ours']:.2f} s"
    yield "process start to first answer, in process", "12", [first["torch"] / first["ours"]], in_process
    seconds = f"{_median(http['torch']):.1f} and {_median(http['ours']):.2f} s"
    yield "process start to first answer over HTTP", "5, below 2 s", _over(http["torch"], http["ours"]), seconds
    ours, torch = figures["memory"]["ours"], figures["memory"]["torch"]
    resident = f"{torch[-1]:.0f} and {ours[-1]:.0f} MB"
    yield f"memory after {figures['requests']:,} prompts: torch / ours", "3", [torch[-1] / ours[-1]], resident
    warm = ours[len(ours) // 10]
    yield "its growth after warm-up, percent", "2", [100 * (ours[-1] / warm - 1)], f"from {warm:.1f} MB"
    yield from _file(figures["file"])


def _file(found: dict[str, Any]) -> Iterator[Row]:
    told = f"{found['ours']:.0f} and {_median(found['torch']):.0f} prompts a second"
    ratios = [found["ours"] / rate for rate in found["torch"]]
    yield f"a file of {found['rows']:,} rows, two cores: ours / sentence-transformers", "2.5", ratios, told
    mb = found["resident_mb"]
    # Between the means of the second fifth and of the last: what is left of the start-up in one look is no slope.
    second, last = (statistics.mean(mb[len(mb) * part // 5 : len(mb) * (part + 1) // 5]) for part in (1, 4))
    yield "its memory from the second fifth to the last, percent", "flat", [100 * (last / second - 1)], f"{last:.0f} MB"


def _gateways(figures: dict[str, Any]) -> Iterator[Row]:
    found = figures["gateways"]["found"]

    def of(name: str, press: str, figure: str) -> list[float]:
        return [one[figure] for one in found[name][press]]

    def added(name: str) -> list[float]:
        return [
            one - direct for one, direct in zip(of(name, "c1", "p50_ms"), of("direct", "c1", "p50_ms"), strict=True)
        ]

    def rates(press: str, name: str, peer: str = "litellm") -> tuple[list[float], str]:
        mine, theirs = of(name, press, "per_second"), of(peer, press, "per_second")
        return _over(mine, theirs), f"{_median(mine):.0f} and {_median(theirs):.0f} a second"

    yield from _ours(added, rates)
    alone, auto = added("litellm"), added("auto")
    told = f"{_median(alone):.1f} and {_median(auto):.1f} ms"
    yield "`auto`: LiteLLM without classifying / ours, added p50 at 1", "1.3", _over(alone, auto), told
    for clients in (16, 64):
        yield f"`auto`: requests a second at {clients}", "1.2", *rates(f"c{clients}", "auto")
    slowest = _over(of("litellm", "c64", "p99_ms"), of("auto", "c64", "p99_ms"))
    told = f"{_median(of('litellm', 'c64', 'p99_ms')):.0f} and {_median(of('auto', 'c64', 'p99_ms')):.0f} ms"
    yield "`auto`: p99 at 64", "2", slowest, told


def _ours(added: Callable[[str], list[float]], rates: Callable[..., tuple[list[float], str]]) -> Iterator[Row]:
    told = f"{_median(added('litellm')):.1f} and {_median(added('ours')):.1f} ms"
    yield "model given: LiteLLM / ours, added p50 at 1", "6", _over(added("litellm"), added("ours")), told
    for clients in (16, 64):
        yield f"model given: requests a second at {clients}", "5", *rates(f"c{clients}", "ours")
    yield "model given, vendor takes 50 ms: requests a second at 64", "5", *rates("slow64", "ours")
    told = f"{_median(added('ours')):.1f} and {_median(added('passthrough')):.1f} ms"
    floor = _over(added("ours"), added("passthrough"))
    yield "model given: ours / bare FastAPI pass-through, added p50 at 1 (at most)", "2.5", floor, told
    yield "1.1 MB pictures: requests a second at 16", "3", *rates("large16", "ours")


def _over(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(left, right, strict=True)]


def _ms(p50: dict[str, list[float]], *kinds: str) -> str:
    return " and ".join(f"{_median(p50[kind]):.1f}" for kind in kinds) + " ms"


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
