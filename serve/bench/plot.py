"""A bench as one picture: every answer a dot, its percentiles above, a model a row with its figures and its errors.

SVG without anything outside it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

from serve.bench.figures import ModelFigures
from serve.bench.record import Record
from serve.bench.tables import byte_size

# Pixels; the last two are characters, of a name that fits on the left and of a line of causes under the figures.
_WIDTH, _HEAD, _ROW, _FOOT = 1034, 84, 46, 64
_LEFT, _RIGHT, _NAME, _CAUSES = 250, 640, 28, 60
_COLUMNS = (("p50", 700), ("p95", 760), ("p99", 820), ("errors", 880), ("US$", 944), ("bytes", 1018))
_TICKS = 6
_MORE = "\N{HORIZONTAL ELLIPSIS}"
# More would only make the file heavy: the rows are drawn from evenly spaced ranks.
_DOTS = 400
_INK, _FAINT, _GRID, _BLUE, _DOT = "#1f2933", "#616e7c", "#e4e7eb", "#1d5f96", "#7fb0d8"


def draw_plot(record: Record) -> str:
    """The SVG. Times run from 0, so that twice the length is twice the wait."""
    height = _HEAD + _ROW * len(record.models) + _FOOT
    scale = _Scale(max((ms for model in record.models for ms in model.answered_ms), default=1.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' role="img" aria-labelledby="title about" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="title">{_text(_title(record))}</title>',
        f'<desc id="about">{_text(_described(record))}</desc>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _label(24, 30, _title(record), size=17, weight=600),
        _label(24, 50, _subtitle(record), fill=_FAINT),
        *_axis(scale, height - _FOOT),
        *(_label(x, _HEAD - 8, name, anchor="end", fill=_FAINT) for name, x in _COLUMNS),
    ]
    for at, model in enumerate(record.models):
        parts += _row(model, _HEAD + _ROW * at + _ROW / 2, scale)
    parts += [*_legend(height - 14), "</svg>"]
    return "\n".join(parts) + "\n"


class _Scale:
    """Milliseconds to pixels, with an end that is a round number of round steps."""

    def __init__(self, longest: float) -> None:
        rough = max(longest, 1e-3) / (_TICKS - 1)
        power = 10.0 ** math.floor(math.log10(rough))
        self.step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
        self.ticks = [self.step * at for at in range(math.ceil(longest / self.step) + 1)]

    def x(self, ms: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * ms / max(self.ticks[-1], self.step), 1)


def _axis(scale: _Scale, bottom: float) -> Iterator[str]:
    for tick in scale.ticks:
        x = scale.x(tick)
        yield f'<line x1="{x}" y1="{_HEAD}" x2="{x}" y2="{bottom}" stroke="{_GRID}"/>'
        yield _label(x, bottom + 16, _span(tick), anchor="middle", fill=_FAINT, size=11)


def _row(model: ModelFigures, y: float, scale: _Scale) -> Iterator[str]:
    yield _label(_LEFT - 14, y + 4, _short(model.model), anchor="end", weight=600)
    for ms in _spread(sorted(model.answered_ms)):
        yield f'<circle cx="{scale.x(ms)}" cy="{y + 9}" r="3" fill="{_DOT}" fill-opacity="0.45"/>'
    if model.ms is not None:
        p50, p95, p99 = (scale.x(ms) for ms in (model.ms.p50, model.ms.p95, model.ms.p99))
        yield f'<line x1="{p50}" y1="{y - 5}" x2="{p99}" y2="{y - 5}" stroke="{_BLUE}" stroke-width="2"/>'
        yield from _marks(p50, p95, p99, y - 5)
    for (_, x), figure in zip(_COLUMNS, _row_figures(model), strict=True):
        yield _label(x, y + 4, figure, anchor="end")
    for at, causes in enumerate(wrap(_causes(model), _CAUSES, max_lines=2, placeholder=_MORE)):
        yield _label(_COLUMNS[-1][1], y + 16 + 12 * at, causes, anchor="end", fill=_FAINT, size=11)


def _marks(p50: float, p95: float, p99: float, y: float) -> Iterator[str]:
    yield f'<circle cx="{p50}" cy="{y}" r="5" fill="{_BLUE}"/>'
    yield f'<rect x="{p95 - 1.5}" y="{y - 6}" width="3" height="12" fill="{_BLUE}"/>'
    yield f'<circle cx="{p99}" cy="{y}" r="4.5" fill="#fff" stroke="{_BLUE}" stroke-width="2"/>'


def _legend(y: float) -> Iterator[str]:
    yield from _marks(_LEFT + 5, _LEFT + 65, _LEFT + 125, y - 4)
    for x, name in ((_LEFT + 15, "p50"), (_LEFT + 73, "p95"), (_LEFT + 135, "p99"), (_LEFT + 193, "one answer")):
        yield _label(x, y, name, fill=_FAINT, size=11)
    yield f'<circle cx="{_LEFT + 184}" cy="{y - 4}" r="3" fill="{_DOT}" fill-opacity="0.6"/>'


def _row_figures(model: ModelFigures) -> tuple[str, ...]:
    ms = model.ms
    ranks = ("-",) * 3 if ms is None else (_span(ms.p50), _span(ms.p95), _span(ms.p99))
    usd = f"{model.settled_usd + model.possible_usd:.4f}"
    return (*ranks, f"{model.error_rate:.1%}", usd, byte_size(model.bytes))


def _causes(model: ModelFigures) -> str:
    """The error rate by cause; empty where there was none."""
    return ", ".join(f"{cause} {count / model.requests:.1%}" for cause, count in model.errors.items())


def _spread(ranked: Sequence[float]) -> Sequence[float]:
    if len(ranked) <= _DOTS:
        return ranked
    return [ranked[round(at * (len(ranked) - 1) / (_DOTS - 1))] for at in range(_DOTS)]


def _title(record: Record) -> str:
    return f"Waiting for a picture, {record.created:%Y-%m-%d %H:%M} UTC"


def _subtitle(record: Record) -> str:
    what = record.what
    where = "the sandbox (its times say nothing of the vendors)" if what.sandbox else "the vendors"
    cut = "" if record.ending == "done" else ", cut short"
    requests = sum(model.requests for model in record.models)
    return f"{requests} requests to {where}, {what.concurrency} at once{cut}"


def _described(record: Record) -> str:
    names = [name for name, _ in _COLUMNS]
    return "; ".join(
        f"{model.model}: "
        + ", ".join(f"{n} {f}" for n, f in zip(names, _row_figures(model), strict=True))
        + (f" ({causes})" if (causes := _causes(model)) else "")
        for model in record.models
    )


def _span(ms: float) -> str:
    if ms >= 1000:
        return f"{ms / 1000:.2f}".rstrip("0").rstrip(".") + " s"
    if ms >= 10:
        return f"{ms:.0f} ms"
    return f"{ms:.2g} ms" if ms else "0"


def _label(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = _INK, size: int = 13, weight: int = 400
) -> str:
    style = f'text-anchor="{anchor}" fill="{fill}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" {style}>{_text(text)}</text>'


def _short(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + _MORE


def _text(text: str) -> str:
    # XML has no way to spell control characters, and a catalogue's names may be anything.
    return html.escape("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))
