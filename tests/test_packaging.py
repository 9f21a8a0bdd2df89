"""What is shipped is what is on disk, and what is installed starts."""

import configparser
import fnmatch
import tomllib
from importlib.metadata import distribution, entry_points
from importlib.resources import files
from pathlib import Path

import pytest

import archiver

ROOT = Path(__file__).resolve().parent.parent
NAME = "written-record-archiver"
on_the_checkout = pytest.mark.skipif(
    not (ROOT / "archiver").is_dir(), reason="compares setup.cfg with the checkout"
)


def metadata() -> configparser.ConfigParser:
    """Return setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed() -> dict[str, Path]:
    """Return the packages that setup.cfg lists, each with its folder."""
    options = metadata()["options"]
    lines = options["package_dir"].strip().splitlines()
    moved = {
        key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)
    }
    return {
        name: ROOT / moved.get(name, name.replace(".", "/")) for name in options["packages"].split()
    }


def on_disk() -> set[Path]:
    """Return the folders of the checkout that hold shipped code."""
    tops = (ROOT / "archiver", ROOT / "index", ROOT / "templates")
    return {path.parent for top in tops for path in top.rglob("*.py")}


@on_the_checkout
def test_the_packages_listed_are_the_packages_on_disk() -> None:
    """A package that is not listed would not be shipped."""
    assert set(listed().values()) == on_disk()


@on_the_checkout
def test_every_package_has_an_init() -> None:
    """None is a namespace package by accident."""
    assert [folder for folder in on_disk() if not (folder / "__init__.py").is_file()] == []


@on_the_checkout
def test_every_data_file_is_shipped() -> None:
    """Templates, translations and type marks are named in package_data."""
    patterns = metadata()["options.package_data"]
    folders = listed()
    shipped = {
        path
        for package, globs in patterns.items()
        if package in folders
        for path in folders[package].rglob("*")
        for glob in globs.split()
        if fnmatch.fnmatch(path.relative_to(folders[package]).as_posix(), glob)
    }
    left_out = {
        path
        for top in ("archiver", "index", "templates")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".po", ".pot"}
    } - shipped
    assert left_out == set()


@on_the_checkout
def test_pyproject_holds_the_build_system_and_ruff_only() -> None:
    """Metadata stands in one place, setup.cfg."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(content) == {"build-system", "tool"}
    assert set(content["tool"]) == {"ruff"}


def test_the_command_is_an_entry_point() -> None:
    """Installing the distribution gives the command ``archiver``."""
    (found,) = entry_points(group="console_scripts", name="archiver")
    assert callable(found.load())


def test_the_version_is_told_once() -> None:
    """The code and the metadata agree."""
    assert distribution(NAME).version == archiver.__version__


def test_the_templates_are_installed() -> None:
    """The dossier's pages are found where they were installed."""
    names = {path.name for path in files("archiver.templates").iterdir()}
    assert any(name.endswith(".html") for name in names)


def test_the_french_words_are_installed() -> None:
    """``--lang fr`` finds its catalogue."""
    assert (files("archiver") / "locale" / "fr" / "LC_MESSAGES" / "archiver.mo").is_file()


def test_the_types_are_installed() -> None:
    """Users of the packages can check their types (PEP 561)."""
    assert all((files(name) / "py.typed").is_file() for name in ("archiver", "index"))
