"""The ablation as a Markdown page that says how to repeat itself."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from training.ablation import OURS, Ablation, AblationConfig, GoldScores, Method, Source
from training.ablation_scores import Figure
from training.config import DATA_FILE, DEFAULT_ENCODER
from training.utterance_routing import RULE

_INTRODUCTION = (
    "Strict counts the label, lenient also the other acceptable one. Every figure has its 95 % interval: a bootstrap "
    "of 2,000 draws of whole groups, and for utterance routing of its repetitions too. The last column is strict "
    "accuracy minus that of ours in the same draws: an interval under zero means that ours is better. The baselines "
    "are chosen and fitted on the training file alone; of ours, some settings were chosen on `data/test.jsonl`."
)


def markdown(ablation: Ablation, config: AblationConfig, model: str | None, date: str | None, output: str) -> str:
    """The page.

    Args:
        model: how the bundle was named on the command line, None for the champion.
        date: the day to put on the page, or None for no day.
        output: the file that the command to repeat it shall write.
    """
    parts = [
        "# Ablation: what each part buys",
        _INTRODUCTION,
        "## How to repeat it",
        f"```sh\n{command(config, model, date, output)}\n```",
        "\n".join(_origins(ablation, date)),
        "## Methods",
        "\n".join(_method_line(method) for method in ablation.methods),
        RULE,
    ]
    for name, scores in ablation.gold.items():
        parts += [f"## On {name}: {scores.source.rows} prompts", _table(*_method_rows(ablation, scores))]
        if scores.slices:
            parts += [f"### {name}, strict by slice", _table(*_slice_rows(scores))]
    return "\n\n".join(parts) + "\n"


def command(config: AblationConfig, model: str | None, date: str | None, output: str) -> str:
    """The command line that makes the page again; files outside the working directory go by their bare names."""
    words = ["prompt-intent", "ablation"]
    for name, path in config.gold.items():
        words += ["--gold", f"{name}={_place(path)}"]
    words += ["--data", _place(config.data)] if config.data != DATA_FILE else []
    words += ["--model", _place(Path(model)) if Path(model).exists() else model] if model else []
    words += ["--encoder", _place(Path(config.encoder))] if config.encoder != DEFAULT_ENCODER else []
    words += ["--seed", str(config.seed)] if config.seed else []
    words += ["--date", date] if date else []
    return shlex.join([*words, "--output", _place(Path(output))])


def _place(path: Path) -> str:
    # Where else a file lies is one machine's affair; its digest on the page says which file it was.
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


def _origins(ablation: Ablation, date: str | None) -> Iterator[str]:
    if date:
        yield f"- Date: {date}"
    yield f"- Bundle: `{ablation.bundle}`, encoder {ablation.encoder}"
    known = "the bundle was trained on the same rows" if ablation.same_data else "**the bundle was trained on others**"
    yield f"- Training data: {_described(ablation.data)}; {known}"
    for name, scores in ablation.gold.items():
        repeated = scores.source.trained_on
        yield f"- Gold `{name}`: {_described(scores.source)}; {repeated} of its prompts are also training prompts"
    yield "- Versions: " + ", ".join(f"{name} {version}" for name, version in ablation.versions.items())


def _described(source: Source) -> str:
    return f"`{_place(source.path)}`, {source.rows} rows in {source.groups} groups, SHA-256 `{source.digest}`"


def _method_line(method: Method) -> str:
    return f"- **{method.name}** — {method.what}" + (f" Here: {method.chosen}." if method.chosen else "")


def _method_rows(ablation: Ablation, scores: GoldScores) -> tuple[list[str], list[list[str]]]:
    recalls = [f"recall {label}" for label in ablation.classes]
    rows = []
    for name, score in scores.methods.items():
        figures = [
            score.strict,
            score.lenient,
            score.macro_f1,
            *(score.recall.get(label) for label in ablation.classes),
        ]
        gap = "" if name == OURS else _cell(score.against_ours, "+.3f")
        rows.append([_emphasised(name), *(_cell(one) for one in figures), gap])
    return ["method", "strict", "lenient", "macro-F1", *recalls, "strict, minus ours"], rows


def _slice_rows(scores: GoldScores) -> tuple[list[str], list[list[str]]]:
    methods = list(scores.slices[0].strict)
    rows = [[one.name, str(one.n), *(_cell(one.strict[method]) for method in methods)] for one in scores.slices]
    return ["slice", "rows", *map(_emphasised, methods)], rows


def _emphasised(method: str) -> str:
    return f"**{method}**" if method == OURS else method


def _cell(one: Figure | None, style: str = ".3f") -> str:
    return "" if one is None else f"{one.value:{style}} [{one.low:{style}}, {one.high:{style}}]"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
