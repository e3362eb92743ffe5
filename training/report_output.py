"""Check reports as people and programs read them: tables on a terminal, plain lines in a pipe, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich.table import Column, Table
from rich.text import Text

from training.data_report import Finding, Summary
from training.file_check import FileReport

_LINES_SHOWN = 8


def json_report(reports: Sequence[FileReport]) -> str:
    """`{"failed", "files": [{"file", "against", "failed", "fingerprint", "findings", "summary"}]}`."""
    files = [_json_file(report) for report in reports]
    return json.dumps({"failed": any(file["failed"] for file in files), "files": files}, ensure_ascii=False, indent=2)


def plain_lines(report: FileReport) -> Iterator[str]:
    """The report without decoration: the summary, one line for each finding, the verdict."""
    for name, count, share in summary_rows(report.report.summary):
        yield f"{report.path}: {name}: {count}{f' ({share})' if share else ''}"
    yield f"{report.path}: fingerprint: {report.fingerprint or 'none'}"
    for finding in report.report.findings:
        place = located_lines(finding)
        yield f"{report.path}: {finding.severity}: {finding.kind}: {f'{place}: ' if place else ''}{finding.message}"
    yield verdict(report)


def tables(report: FileReport) -> list[Table]:
    """The report as rich tables: the summary and, where there are any, the findings.

    Cells are `Text`, not `str`: square brackets in a prompt, an origin or a path are not rich's markup.
    """
    summary = Table("", "count", "share", title=Text(_title(report)), title_justify="left")
    for row in summary_rows(report.report.summary):
        summary.add_row(*map(Text, row))
    return [summary, _findings_table(report.report.findings)] if report.report.findings else [summary]


def summary_rows(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """Name, figure and share of every line of the summary; the share is empty where there is none."""
    yield "rows", str(summary.rows), ""
    yield "groups", str(summary.groups), ""
    counted: dict[str, Mapping[str, int]] = {
        "class": summary.classes,
        "language": summary.languages,
        "origin": summary.origins,
    }
    for heading, counts in counted.items():
        for name, count in counts.items():
            yield f"{heading} {name}", str(count), f"{count / summary.rows:.1%}" if summary.rows else ""
    for name, length in summary.words.items():
        yield f"words {name}", str(length), ""


def located_lines(finding: Finding) -> str:
    """The finding's lines, the first eight of each file."""
    own, other = _numbers(finding.lines), _numbers(finding.other_lines)
    return "; ".join(part for part in (own, f"against {other}" if other else "") if part)


def verdict(report: FileReport) -> str:
    """One line: passed or failed, and how much was found."""
    failing = sum(finding.failed for finding in report.report.findings)
    warnings = len(report.report.findings) - failing
    word = "failed" if report.report.failed else "passed"
    return f"{_title(report)}: {word}, {_counted(failing, 'error')}, {_counted(warnings, 'warning')}"


def _findings_table(findings: Sequence[Finding]) -> Table:
    table = Table("severity", "kind", Column("lines", max_width=30), "what", show_lines=True)
    for finding in findings:
        severity = Text(finding.severity, style="red" if finding.failed else "yellow")
        table.add_row(severity, finding.kind, located_lines(finding), Text(finding.message))
    return table


def _json_file(report: FileReport) -> dict[str, object]:
    return {
        "file": str(report.path),
        "against": None if report.against is None else str(report.against),
        "failed": report.report.failed,
        "fingerprint": report.fingerprint,
        "findings": [asdict(finding) for finding in report.report.findings],
        "summary": asdict(report.report.summary),
    }


def _title(report: FileReport) -> str:
    return str(report.path) if report.against is None else f"{report.path} against {report.against}"


def _numbers(lines: Sequence[int]) -> str:
    if not lines:
        return ""
    more = len(lines) - _LINES_SHOWN
    listed = ", ".join(map(str, lines[:_LINES_SHOWN])) + (f" and {more} more" if more > 0 else "")
    return f"line {listed}" if len(lines) == 1 else f"lines {listed}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
