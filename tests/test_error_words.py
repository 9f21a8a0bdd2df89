"""Every error is told in sentences: what happened, and what to do next."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import archiver
from archiver import errors

PACKAGE = Path(archiver.__file__).resolve().parent
KINDS = {name for name in vars(errors) if name.endswith("Error")} | {"FileError"}
SENTENCE = re.compile(
    r"""(?:[A-Z`{]|--|archive\.toml|keep\ |click\ )  # a name or a value may come first
        .*(?:[.?]|:\ archiver\ .*|:\ \{\w+\})\Z      # what is to be copied takes no full stop
    """,
    re.DOTALL | re.VERBOSE,
)


def sentences() -> Iterator[tuple[str, str]]:
    """Return what each error of the sources says, and where."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in KINDS:
                said = [*node.args[:1], *(word.value for word in node.keywords)]
                for text in filter(None, map(words, said)):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


def words(node: ast.expr) -> str:
    """Return the text within ``_("…")`` or ``_("…").format(…)``; empty for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="format")):
            return words(inner)
        case ast.Call(func=ast.Name(id="_"), args=[ast.Constant(value=str(text))]):
            return text
        case _:
            return ""


@pytest.mark.skipif(PACKAGE.name != "archiver", reason="reads the sources")
def test_every_error_speaks_in_sentences() -> None:
    """A capital unless a name comes first, and a full stop."""
    found = list(sentences())
    assert len(found) > 100
    assert [(place, text) for place, text in found if not SENTENCE.match(text)] == []
