"""A check of prompt files by name: schema first, then everything `data_check` looks for in the rows that have one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from training.data_check import check
from training.data_report import Finding, Report
from training.dataset import PromptFile, fingerprint, read_prompts


@dataclass(frozen=True)
class FileReport:
    """The report of one file; `fingerprint` is None while rows of it break the schema."""

    path: Path
    against: Path | None
    fingerprint: str | None
    report: Report


def check_file(path: Path, against: Path | None = None) -> FileReport:
    """Check one file, by itself and against another; a file is not compared with itself.

    Rows that break the schema are findings of kind "schema"; the other rows are checked all the same.

    Raises:
        DatasetError: one of the files cannot be read.
    """
    file = read_prompts(path)
    other = None if against is None or against.resolve() == path.resolve() else read_prompts(against)
    report = check(
        file.rows,
        against=None if other is None else other.rows,
        lines=file.lines,
        against_lines=None if other is None else other.lines,
    )
    broken = [*_schema_findings(file), *([] if other is None else _schema_findings(other, of_other=True))]
    return FileReport(
        path=path,
        against=None if other is None else other.path,
        fingerprint=None if file.problems else fingerprint(file.rows),
        report=replace(report, findings=(*broken, *report.findings)),
    )


def _schema_findings(file: PromptFile, of_other: bool = False) -> list[Finding]:
    return [
        Finding(
            kind="schema",
            message=file.located(problem),
            lines=() if of_other else (problem.line,),
            other_lines=(problem.line,) if of_other else (),
        )
        for problem in file.problems
    ]
