"""Read the ARC test suite's file: no YAML library is needed for the little that it uses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TEST = re.compile(r"^  (\w+):[ ]*$")
_KEY = re.compile(r"^    (\w+):[ ]*(.*)$")
_NAME = re.compile(r"^  ([^\s:]+):[ ]*>-[ ]*$")


@dataclass(frozen=True)
class Case:
    """A message, the zone that it is verified in, and what a verifier must say of its chain."""

    name: str
    message: bytes
    verdict: str
    zone: dict[str, str]


def cases(path: Path) -> Iterator[Case]:
    """Yield every case of the suite."""
    for document in re.split(r"(?m)^---[ ]*\n", path.read_text()):
        head, _mark, tail = document.partition("\ntxt-records:")
        zone = _zone(tail)
        for name, fields in _tests(head.splitlines()):
            message = "\n".join(fields["message"]).strip("\n") + "\n"
            verdict = " ".join(fields["cv"]).strip()
            yield Case(name, message.encode(), verdict.lower(), zone)


def _tests(lines: list[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    name, fields, key = "", {}, ""
    for line in lines:
        if match := _TEST.match(line):
            if "message" in fields:
                yield name, fields
            name, fields, key = match[1], {}, ""
        elif match := _KEY.match(line):
            key = match[1]
            fields[key] = [] if match[2].strip() in {"|", ">-"} else [match[2]]
        elif key:
            fields[key].append(line[6:])
    if "message" in fields:
        yield name, fields


def _zone(text: str) -> dict[str, str]:
    zone: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if match := _NAME.match(line):
            name = match[1]
            zone[name] = ""
        elif name and line.startswith("    "):
            zone[name] += " " + line.strip()
    return {name: value.strip() for name, value in zone.items()}
