"""Print answers: text for people, JSON, JSON lines and CSV for scripts; always on stdout."""

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from gettext import gettext as _

import click

from archiver.cli.wall import ReaderGoneError
from archiver.errors import OperationError
from archiver.model.findings import Finding, Level, Report

FORMATS = ("text", "json", "jsonl", "csv")
SCHEMA = 1
_LEVEL_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help=_("How to print the answer."),
)
json_option = click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help=_("How to print the answer."),
)


def print_json(value: object) -> None:
    """Print one JSON document, UTF-8 whatever the terminal says."""
    write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_jsonl(values: Iterable[object]) -> None:
    """Print one JSON object a line."""
    for value in values:
        write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def print_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print RFC 4180 rows; who makes them keeps spreadsheets from running a cell as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows(rows)
    write_text(buffer.getvalue())


def write_text(text: str) -> None:
    """Write UTF-8 to stdout; scripts rely on it even under LC_ALL=C or a Windows code page."""
    write_bytes(text.encode("utf-8", errors="replace"))


def write_bytes(data: bytes) -> None:
    """Write exact bytes to stdout."""
    require_stdout()
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def echo(text: str = "") -> None:
    """Print a line for people; what mail brought along cannot steer the terminal."""
    require_stdout()
    try:
        click.echo(text)
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print for people what is known of one thing: each label with its value."""
    for label, value in rows:
        name = click.style(_("{label}:").format(label=label), bold=True)
        echo(f"{name} {printable(value)}")


def require_stdout() -> None:
    """Raise OperationError when the process was started without stdout (``>&-``)."""
    if sys.stdout is None:
        raise OperationError(
            _("There is nowhere to print the answer: standard output is closed."),
            advice=_("Send it to a file or a program, or leave it open."),
        )


_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def printable(text: str) -> str:
    """Replace control characters, so that a subject cannot move the cursor or hide text."""
    if text.isprintable():
        return text
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _STEERING:
        return character
    return "\N{REPLACEMENT CHARACTER}"


def report_json(report: Report, **more: object) -> Mapping[str, object]:
    """Return a check's outcome as the command contract has it."""
    return {
        "schema": SCHEMA,
        "checked": dict(report.checked),
        "findings": [
            {
                "code": finding.code,
                "level": finding.level,
                "subject": finding.subject,
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in report.findings
        ],
        **more,
    }


def print_checked(report: Report) -> None:
    """Print for people how much of what was looked at."""
    names = {
        "bytes-read": _("bytes-read"),
        "catalogue": _("catalogue"),
        "checkpoints": _("signed states"),
        "checks": _("checks"),
        "entries": _("entries"),
        "index": _("index"),
        "leaves": _("older entries"),
        "objects": _("objects"),
        "objects-read": _("objects-read"),
        "origins": _("origins"),
        "signatures": _("signatures"),
        "stamps": _("time-stamps"),
    }
    for what, count in report.checked:
        echo(_("{label}: {count}").format(label=names.get(what, what), count=count))


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings for people: what is wrong, and how to mend it."""
    for finding in findings:
        level = click.style(_level(finding.level), fg=_LEVEL_COLOURS[finding.level])
        echo(f"{level} [{finding.code}] {printable(finding.subject)}")
        echo(f"  {printable(finding.message)}")
        echo(f"  → {printable(finding.advice)}")


def _level(level: Level) -> str:
    match level:
        case "error":
            return _("error")
        case "warning":
            return _("warning")
        case "note":
            return _("note")
