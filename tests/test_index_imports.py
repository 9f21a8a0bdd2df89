"""What importing the index costs, and that Whoosh's warnings reach nobody."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(code: str, *options: str) -> str:
    """Run CODE in a fresh Python and return what it prints; stderr must stay empty."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    "module",
    ["index.language.parser", "index.analysis", "index.memory_engine", "index.generations"],
)
def test_light_modules_do_not_import_whoosh(module: str) -> None:
    """Nor anything else that is slow."""
    heavy = "{name.split('.')[0] for name in sys.modules} & {'whoosh', 'asyncio', 'ssl', 'email'}"
    assert run(f"import sys, {module}; print(sorted({heavy}))") == "[]\n"


def test_whoosh_is_imported_without_a_warning(tmp_path: Path) -> None:
    """Even when Python compiles it anew and warnings are errors."""
    options = ("-W", "error", "-X", f"pycache_prefix={tmp_path}")
    assert run("import index.segments.whoosh_engine; print('quiet')", *options) == "quiet\n"
