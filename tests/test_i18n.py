"""The command speaks French: every message is translated, and the language is the one asked for.

Commands that must speak French run in a process of their own: click makes help texts when a module
is imported, so a module that was imported in French would keep its French for the other tests.
"""

import gettext
import importlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import Desk, Said, archiver, new_desk
from dossiers import dossier
from mail import mail
from views import view

from archiver.cli.language import choose_language
from archiver.dossier.chronology import render_chronology, render_readme

ROOT = Path(__file__).resolve().parent.parent
FRENCH = Path(str(files("archiver"))) / "locale" / "fr" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"\{[a-z_]\w*(?:![rsa])?(?::[^{}]*)?\}|%\(\w+\)[sd]")
NEVER = re.compile(
    r"infalsifiable|irréfutable|certified|certifié|tamper-?proof|legally binding|original signé",
    re.IGNORECASE,
)
"""Words that claim more than an archive can show."""
BARE_PUNCTUATION = re.compile(r"(?:^|[^\N{NO-BREAK SPACE}])[;?!»](?:\s|$)|« | :(?:\s|$)|[^\W\d_]: ")
"""French wants a no-break space there; commands and URLs have their marks inside words."""


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    """Return the script behind ``make messages``."""
    if not (ROOT / "archiver").is_dir():
        pytest.skip("reads the sources of the checkout")
    pytest.importorskip("babel", reason="Babel comes with the extra dev")
    return importlib.import_module("messages")


@pytest.fixture(scope="module")
def words(messages: ModuleType) -> Any:
    """Return the French catalogue as its source says it."""
    return messages.load(FRENCH / "archiver.po")


def entries(words: Any) -> Iterator[tuple[Any, tuple[str, ...], tuple[str, ...]]]:
    """Return each entry with its English and its French forms."""
    for entry in words:
        if entry.id:
            yield entry, in_forms(entry.id), in_forms(entry.string)


def in_forms(text: Any) -> tuple[str, ...]:
    """Return TEXT, or its singular and plural."""
    return (text,) if isinstance(text, str) else tuple(text)


# --- the catalogue -------------------------------------------------------------------------------


def test_every_message_of_the_sources_is_in_the_catalogue(messages: ModuleType, words: Any) -> None:
    """``make messages`` takes new ones in; a person translates them."""
    wanted = {in_forms(entry.id) for entry in messages.extract() if entry.id}
    had = {english for _entry, english, _french in entries(words)}
    assert (wanted - had, had - wanted) == (set(), set())


def test_every_message_is_translated(messages: ModuleType, words: Any) -> None:
    """None is missing, none was only guessed by Babel (fuzzy), and both numbers are there."""
    assert [entry.id for entry in messages.waiting(words)] == []
    assert [one for one, english, french in entries(words) if len(french) != len(english)] == []


def test_translations_hold_the_same_placeholders(words: Any) -> None:
    """A French singular may name its number where English writes "one"."""
    wrong = []
    for _entry, english, french in entries(words):
        asked = [sorted(PLACEHOLDER.findall(text)) for text in english]
        given = [sorted(PLACEHOLDER.findall(text)) for text in french]
        if given[-1] != asked[-1] or given[0] not in asked:
            wrong.append(english)
    assert wrong == []


def test_paragraphs_that_keep_their_layout_keep_it(words: Any) -> None:
    r"""A paragraph that starts with ``\b`` is not wrapped by click: no line may be too long."""
    wrong = [
        english
        for _entry, english, french in entries(words)
        if english[0].count("\b") != french[0].count("\b")
        or ("\b" in english[0] and max(map(len, french[0].partition("\b")[2].splitlines())) > 96)
    ]
    assert wrong == []


def test_what_is_typed_is_not_translated(words: Any) -> None:
    """Commands within backquotes and options are the same in both languages."""
    typed = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][a-z-]+)")
    wrong = [
        english
        for _entry, english, french in entries(words)
        if sorted(typed.findall(english[0])) != sorted(typed.findall(french[0]))
    ]
    assert wrong == []


def test_no_words_claim_too_much(words: Any) -> None:
    """Neither language promises what an archive cannot show."""
    said = [text for _entry, *both in entries(words) for forms in both for text in forms]
    assert [text for text in said if NEVER.search(text)] == []


def test_french_has_its_spaces_and_its_apostrophes(words: Any) -> None:
    """A colon must not begin a line, and ' stands in commands only."""
    wrong = []
    for _entry, _english, french in entries(words):
        for text in french:
            prose = re.sub(r"`[^`]*`|\b(?:de|à|cc)?:? ?sh -c '\.\.\.'", "", text.partition("\b")[0])
            if BARE_PUNCTUATION.search(prose) or re.search(r"[a-zA-Zà-ÿ]'[a-zA-Zà-ÿ]", prose):
                wrong.append(text)
    assert wrong == []


def test_the_compiled_catalogue_is_that_of_its_source(words: Any) -> None:
    """The wheel ships the .mo; ``make messages`` makes it."""
    with (FRENCH / "archiver.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    expected: dict[Any, str] = {}
    for _entry, english, french in entries(words):
        if not all(french):
            continue
        if len(english) == 1:
            expected[english[0]] = french[0]
        else:
            expected |= {(english[0], number): text for number, text in enumerate(french)}
    had = {key: text for key, text in vars(compiled)["_catalog"].items() if key}
    assert had == expected


def test_a_catalogue_that_is_level_is_left_alone(messages: ModuleType) -> None:
    """``make messages`` twice changes nothing: no dates, no line numbers, one order."""
    path = FRENCH / "archiver.po"
    once, twice = (
        messages.po_text(messages.merged(messages.load(path), messages.extract())) for _ in range(2)
    )
    assert once == twice
    assert not re.search(r"^#: .*:\d+|-Date:|Generated-By", once, re.MULTILINE)


def test_a_message_that_was_reworded_waits_for_a_person(messages: ModuleType) -> None:
    """Its old French is kept as a proposal, and is not shown to users."""
    old = messages.load(FRENCH / "archiver.po")
    template = messages.extract()
    template.delete("Nothing was changed.")
    template.add("Nothing has been changed.")
    words = messages.merged(old, template)
    assert words["Nothing has been changed."].fuzzy
    assert words["Nothing has been changed."].string == "Rien n’a été modifié."
    assert messages.waiting(words) == [words["Nothing has been changed."]]
    compiled = gettext.GNUTranslations(io.BytesIO(messages.mo_bytes(words)))
    assert compiled.gettext("Nothing has been changed.") == "Nothing has been changed."


# --- the command ---------------------------------------------------------------------------------


def in_own_process(*arguments: object, environ: Mapping[str, str] | None = None) -> Said:
    """Run ``archiver ARGUMENTS`` as a new process; nothing of the user's own language counts."""
    settings = {
        name: value
        for name, value in os.environ.items()
        if name not in {"ARCHIVER_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}
    }
    done = subprocess.run(
        [sys.executable, "-c", "from archiver.cli.main import run; run()", *map(str, arguments)],
        env=settings
        | {"PYTHONUTF8": "1", "XDG_CONFIG_HOME": os.devnull, "COLUMNS": "100"}
        | dict(environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr.decode())


def french(*arguments: object) -> Said:
    """Run ``archiver --lang fr ARGUMENTS``."""
    return in_own_process("--lang", "fr", *arguments)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return an archive with one mail."""
    made = new_desk(tmp_path / "archive")
    made.keep(tmp_path / "mails", mail(subject="Recette"))
    return made


def test_help_is_french() -> None:
    """Ours and click's own words."""
    said = french("--help")
    for words in (
        "Usage\N{NO-BREAK SPACE}: archiver",
        "Conserver le courrier des clients, le rattacher aux missions",
        "Options\N{NO-BREAK SPACE}:",
        "Commandes\N{NO-BREAK SPACE}:",
        "[par défaut\N{NO-BREAK SPACE}: 10.0;",
        "Afficher ce message et quitter.",
        "Trouver des écrits.",
    ):
        assert words in " ".join(re.split("[ \n]+", said.out))
    assert said.code == 0


def test_a_command_that_is_typed_wrongly_is_told_so_in_french() -> None:
    """Errors that click finds are French as well."""
    said = french("tag", "--non")
    assert said.code == 2
    assert "archiver tag --help" in said.err
    assert "Erreur\N{NO-BREAK SPACE}: Il n’existe pas d’option" in said.err
    assert "Argument manquant 'MISSION'" in french("tag").err


def test_an_error_is_french(tmp_path: Path) -> None:
    """What happened, and what to do next."""
    said = french("--archive", tmp_path / "none", "status")
    assert said.code == 10
    assert said.err.startswith("Erreur\N{NO-BREAK SPACE}: Il n’y a pas d’archive dans")
    assert "Créez-en une avec `archiver init`" in said.err


def test_an_error_of_the_disk_is_french(tmp_path: Path) -> None:
    """The operating system's words are translated where the command prints them as they are."""
    said = french("inspect", tmp_path / "none.eml")
    assert said.code == 1
    assert "Fichier ou répertoire inexistant" in said.err


def test_a_search_without_a_hit_says_in_french_what_was_searched(desk: Desk) -> None:
    """The singular is used where there is one record."""
    said = french("--archive", desk.root, "search", "introuvable")
    assert "Aucun écrit ne répond. Ce qui a été cherché\N{NO-BREAK SPACE}:" in said.err
    assert "1 écrit, du 2026" in said.err
    assert "missions ayant des écrits\N{NO-BREAK SPACE}: néant" in said.err


def test_a_mistake_in_a_query_is_explained_in_french(desk: Desk) -> None:
    """The index package's own words are found in the same catalogue."""
    said = french("--archive", desk.root, "search", "date:demain")
    assert said.code == 2
    assert "Ceci n’est pas une date\N{NO-BREAK SPACE}: demain." in said.err


def test_a_finding_of_the_doctor_is_french(desk: Desk) -> None:
    """Its code and its subject stay, for scripts and for help desks."""
    desk.root.chmod(0o755)
    said = french("--archive", desk.root, "doctor")
    assert "[archive-open]" in said.out or "D’autres utilisateurs de cette machine" in said.out
    assert "avertissement [" in said.out
    assert "chmod 700" in said.out


def test_the_pages_of_a_dossier_are_in_the_language_of_the_archive() -> None:
    """Whatever the language of the command is."""
    made = dossier(view(), language="fr")
    page, about = render_chronology(made), render_readme(made)
    assert '<html lang="fr">' in page
    for text in ("Chronologie des écrits", "Ce que ce dossier n’établit pas", "Liste des pièces"):
        assert text in page
    assert "À lire d’abord" in about
    assert "Chronology" in render_chronology(dossier(view(), language="en"))


# --- which language ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        (["--lang", "en", "status"], {"ARCHIVER_LANG": "fr", "LANG": "fr_FR.UTF-8"}, "en"),
        (["--lang=fr", "status"], {"ARCHIVER_LANG": "en", "LANG": "en_GB.UTF-8"}, "fr"),
        (["status"], {"ARCHIVER_LANG": "fr", "LANG": "en_GB.UTF-8"}, "fr"),
        (["status"], {"ARCHIVER_LANG": "en", "LANG": "fr_FR.UTF-8"}, "en"),
        (["status"], {"LANG": "fr_CA.UTF-8"}, "fr"),
        (["status"], {"LANG": "C.UTF-8"}, "en"),
        (["status"], {"LC_ALL": "fr_FR.UTF-8", "LANG": "en_GB.UTF-8"}, "fr"),
        (["status"], {"ARCHIVER_LANG": "de", "LANG": "fr_FR.UTF-8"}, "fr"),
        (["search", "--", "--lang", "fr"], {"LANG": "en_GB.UTF-8"}, "en"),
    ],
)
def test_the_option_beats_the_variable_which_beats_the_locale(
    arguments: list[str], environ: Mapping[str, str], language: str
) -> None:
    """A language that we do not speak is passed over."""
    assert choose_language(arguments, environ) == language


def test_the_command_speaks_the_language_that_was_chosen() -> None:
    """The same three steps, seen from outside."""
    english, french_ = "Show this message and exit.", "Afficher ce message et quitter."
    locale = {"LANG": "fr_FR.UTF-8"}
    assert french_ in in_own_process("--help", environ=locale).out
    own = locale | {"ARCHIVER_LANG": "en"}
    assert english in in_own_process("--help", environ=own).out
    assert french_ in in_own_process("--lang", "fr", "--help", environ=own).out


def test_keys_for_scripts_are_never_translated(desk: Desk) -> None:
    """A script reads the same JSON whatever the user's language is."""
    said = french("--archive", desk.root, "status", "--format", "json")
    assert said.json == archiver("--archive", desk.root, "status", "--format", "json").json
