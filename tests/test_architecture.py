"""The architecture is tested: imports go down only, and commands load what they need."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from mail import mail

ROOT = Path(__file__).resolve().parent.parent
ADAPTERS = {
    "imapclient": "archiver/mailbox/server/imap.py",
    "mailparser": "archiver/reading/mime/parser.py",
    "whoosh": "index/segments/whoosh_engine.py",
}
HEAVY = {"whoosh", "jinja2", "imapclient", "mailparser", "keyring", "cryptography", "inscriptis"}
SCRIPT = "import sys; from archiver.cli.main import main; main(sys.argv[1:])"
on_the_checkout = pytest.mark.skipif(
    not (ROOT / "archiver").is_dir(), reason="reads the sources of the checkout"
)


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that ``archiver ARGUMENTS`` imports, as Python itself tells."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", SCRIPT, *arguments],
        env=os.environ | {"PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    return set(re.findall(r"^import time: .*\| +(\S+)$", done.stderr.decode(), re.MULTILINE))


def tops(modules: set[str]) -> set[str]:
    """Return the top-level packages of MODULES."""
    return {name.partition(".")[0] for name in modules}


def sources() -> Iterator[Path]:
    """Return the shipped modules."""
    return (path for top in ("archiver", "index") for path in (ROOT / top).rglob("*.py"))


@on_the_checkout
def test_the_layers_hold() -> None:
    """import-linter finds each contract of setup.cfg kept."""
    pytest.importorskip("importlinter", reason="import-linter comes with the extra dev")
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@on_the_checkout
def test_each_library_has_one_adapter() -> None:
    """No other module imports it, not even inside a function."""
    found = {
        (name, path.relative_to(ROOT).as_posix())
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in imported(node)
        if name in ADAPTERS
    }
    assert found == set(ADAPTERS.items())


def imported(node: ast.AST) -> Iterator[str]:
    """Return the top-level packages that NODE imports."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


@on_the_checkout
def test_modules_stay_short() -> None:
    """What grows beyond 400 lines is two things."""
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines()) for path in sources()
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_help_starts_without_the_heavy_libraries() -> None:
    """``archiver --help`` loads click and the command modules, and little else."""
    modules = loaded_by("--help")
    assert tops(modules) & HEAVY == set()
    assert not any(name.startswith("archiver.evidence") for name in modules)
    assert len(modules) < 200


def test_a_search_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    """A search reads the catalogue and the index; it parses no mail and opens no mailbox."""
    from archiver.cli.main import main

    (tmp_path / "one.eml").write_bytes(mail(subject="Recette"))
    archive = ("--archive", str(tmp_path / "archive"))
    assert main([*archive, "init", "--time-zone", "UTC"]) == 0
    assert main([*archive, "import", str(tmp_path / "one.eml")]) == 0
    modules = loaded_by(*archive, "search", "recette")
    assert tops(modules) & (HEAVY - {"whoosh"}) == set()
    assert "archiver.reading.mime.parser" not in modules
    assert len(modules) < 450
