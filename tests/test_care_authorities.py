"""Time-stamp authorities in ``archive.toml``: pinned with care, refused with all reasons at once."""

from pathlib import Path

import pytest
from authority import LocalAuthority, local_authority, openssl
from command import Desk, new_desk

from archiver.authorities import Authority
from archiver.config import parse_settings, with_authority
from archiver.errors import ConfigurationError, UsageError
from archiver.evidence.stamps.rfc3161 import read_roots

BASE = 'schema = 1\ntime_zone = "Europe/Paris"\nlanguage = "fr"\n'
URL = "http://tsa.example.org/"
PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@pytest.fixture
def authority() -> LocalAuthority:
    """Return the authority of this test run."""
    return local_authority()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive."""
    return new_desk(tmp_path / "archive")


def settings(desk: Desk) -> tuple[Authority, ...]:
    """Return the authorities of ``archive.toml``."""
    return parse_settings((desk.root / "archive.toml").read_text()).authorities


def table(**values: str) -> str:
    """Write a table with these values, and good ones for the rest."""
    known = {"url": f'"{URL}"', "root": f'"""{PEM}"""', **values}
    return (
        BASE + "[authority.free]\n" + "".join(f"{key} = {value}\n" for key, value in known.items())
    )


def add(desk: Desk, root: Path, name: str = "free", url: str = URL) -> int:
    """Add an authority that must be taken."""
    return desk.ok("authority", "add", name, "--url", url, "--root", root).code


# --- the file ------------------------------------------------------------------------------------


def test_an_authority_is_read_as_it_stands() -> None:
    """Qualified is false unless it is said."""
    (read,) = parse_settings(table()).authorities
    assert read == Authority(name="free", url=URL, root=PEM)
    assert parse_settings(table(qualified="true")).authorities[0].qualified


def test_no_authority_is_no_error() -> None:
    """An archive works without; status says what it lacks."""
    assert parse_settings(BASE).authorities == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": '"tsa.example.org"'}, "is not an address"),
        ({"url": '"ftp://tsa.example.org/"'}, "is not an address"),
        ({"url": '"http://"'}, "is not an address"),
        ({"url": '"http://[::1"'}, "is not an address"),
        ({"url": '"http://tsa.example.org:port/"'}, "is not an address"),
        ({"url": '"http://tsa.example.org/a b"'}, "is not an address"),
        ({"url": '"http://tsa.example.org/#top"'}, "is not an address"),
        ({"url": '"https://me:secret@tsa.example.org/"'}, "a user name or password never stands"),
        ({"root": '"hello"'}, "is no certificate in PEM form"),
        ({"root": f'"""{PEM.replace("MAA=", "M?A=")}"""'}, "holds a certificate that is damaged"),
        ({"root": f'"""{PEM}-----BEGIN PRIVATE KEY-----"""'}, "holds a private key"),
        ({"qualified": '"yes"'}, "must be true or false"),
        ({"rot": '"x"'}, "did you mean root?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(values: dict[str, str], words: str) -> None:
    """And never the secret that stands there."""
    with pytest.raises(ConfigurationError, match=r"authority\.free") as caught:
        parse_settings(table(**values))
    assert words in caught.value.what
    assert "secret@" not in caught.value.what


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Nobody mends a file one error at a time."""
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(BASE + '[authority."Two words"]\nqualified = 1\n')
    for words in (
        "name is made of",
        "its address is missing",
        "certificate (PEM) is missing",
        "true or false",
    ):
        assert words in caught.value.what


def test_http_and_https_are_both_taken() -> None:
    """The answer is signed: who listens learns a hash, who alters it is found out."""
    for url in ("http://tsa.example.org", "https://tsa.example.org:8443/path?policy=1"):
        assert parse_settings(table(url=f'"{url}"')).authorities[0].url == url


def test_an_authority_is_added_at_the_end_in_the_files_own_line_ends() -> None:
    """What a person wrote stays byte by byte."""
    before = (BASE + "# ours\n").replace("\n", "\r\n")
    added = Authority(name="free", url=URL, root=PEM, qualified=True)
    after = with_authority(before, added)
    assert after.startswith(before)
    assert "\n" not in after.replace("\r\n", "")
    assert parse_settings(after).authorities == (added,)
    with pytest.raises(UsageError, match="already a time-stamp authority named free") as caught:
        with_authority(after, added)
    assert "archiver authority remove free" in caught.value.advice


# --- the commands --------------------------------------------------------------------------------


def test_a_root_is_pinned_and_its_fingerprint_shown(desk: Desk, authority: LocalAuthority) -> None:
    """For a person to compare with what the authority publishes."""
    root = authority.folder / "root.pem"
    said = desk.ok("authority", "add", "free", "--url", URL, "--root", root)
    (pinned,) = read_roots(authority.pem())
    assert f"SHA-256 {pinned.fingerprint}" in said.err
    assert "root CN=Test root, valid until 2049-12-31" in said.err or "2050-01-01" in said.err
    assert said.out == ""
    (kept,) = settings(desk)
    assert (kept.url, kept.root, kept.qualified) == (URL, pinned.pem, False)
    assert "# Settings of this archive" in (desk.root / "archive.toml").read_text()


def test_a_root_in_der_and_one_with_words_around_it_are_taken(
    desk: Desk, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Authorities publish both; what is pinned is the certificate."""
    path = authority.folder / "root.pem"
    binary, wordy = tmp_path / "root.crt", tmp_path / "wordy.pem"
    binary.write_bytes(openssl("x509", "-in", path, "-outform", "DER"))
    wordy.write_bytes(openssl("x509", "-in", path, "-text") + b"[account.x]\n# by \xe9 hand\n")
    add(desk, binary, "one")
    add(desk, wordy, "two")
    one, two = settings(desk)
    assert one.root == two.root == read_roots(authority.pem())[0].pem


def test_several_roots_are_pinned_together(
    desk: Desk, authority: LocalAuthority, tmp_path: Path
) -> None:
    """For the years in which an authority changes its root."""
    both = tmp_path / "both.pem"
    both.write_bytes(authority.pem() + authority.pem("other"))
    add(desk, both)
    assert settings(desk)[0].root.count("BEGIN CERTIFICATE") == 2
    assert desk.ok("authority", "list").out.count("SHA-256") == 2


def test_everything_wrong_with_a_new_authority_is_told_at_once(
    desk: Desk, authority: LocalAuthority
) -> None:
    """Name, address and certificate; and nothing was written."""
    before = (desk.root / "archive.toml").read_bytes()
    root = authority.folder / "middle.pem"
    said = desk("authority", "add", "A.B", "--url", "nowhere", "--root", root)
    assert said.code == 2
    for words in ("name is made of", "'nowhere' is not an address", "not the end of its chain"):
        assert words in said.err
    assert "Nothing was written" in said.err
    assert (desk.root / "archive.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("ec.pem", "CN=Test ec may not sign other certificates"),
        ("middle.pem", "CN=Test middle is not the end of its chain"),
        ("root.key", "holds a private key"),
        ("tsa.serial", "holds no certificate that can be read"),
    ],
)
def test_what_is_no_root_is_not_pinned(
    desk: Desk, authority: LocalAuthority, file: str, words: str
) -> None:
    """Each with what it is; a key is not copied into the archive."""
    said = desk("authority", "add", "free", "--url", URL, "--root", authority.folder / file)
    assert said.code == 2
    assert words in said.err
    assert settings(desk) == ()
    assert "PRIVATE" not in (desk.root / "archive.toml").read_text()


def test_a_file_far_too_large_is_not_pinned(desk: Desk, tmp_path: Path) -> None:
    """It was the wrong file."""
    path = tmp_path / "large.pem"
    path.write_bytes(b"x" * (1 << 19))
    said = desk("authority", "add", "free", "--url", URL, "--root", path)
    assert (said.code, "too large for a certificate" in said.err) == (2, True)


def test_a_removed_authority_leaves_the_rest_of_the_file(
    desk: Desk, authority: LocalAuthority
) -> None:
    """Comments stay, and the others too."""
    root = authority.folder / "root.pem"
    add(desk, root, "one")
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + "# the good one\n")
    add(desk, root, "two", "https://two.example/")
    said = desk.ok("authority", "remove", "one", "--yes")
    assert "its time-stamps stay" in said.err
    text = path.read_text()
    assert [each.name for each in settings(desk)] == ["two"]
    assert "# the good one" in text
    assert "# Settings of this archive" in text


def test_an_authority_that_is_not_there_cannot_be_removed(desk: Desk) -> None:
    """Those that are there are named."""
    said = desk("authority", "remove", "ghost", "--yes")
    assert said.code == 2
    assert "no time-stamp authority called ghost" in said.err
    assert "Authorities: none." in said.err


def test_a_table_that_no_command_can_cut_is_left_alone(
    desk: Desk, authority: LocalAuthority
) -> None:
    """Written within braces, or with dots."""
    path = desk.root / "archive.toml"
    root = authority.pem().decode().replace("\n", "\\n")
    before = f'authority.free = {{ url = "{URL}", root = "{root}" }}\n' + path.read_text()
    path.write_text(before)
    said = desk("authority", "remove", "free", "--yes")
    assert said.code == 2
    assert "written in a way that no command can change" in said.err
    assert "with any text editor" in said.err
    assert path.read_text() == before


def test_the_list_says_how_it_went(desk: Desk, authority: LocalAuthority) -> None:
    """For people and for scripts."""
    assert "No time-stamp authority yet" in desk.ok("authority", "list").out
    root = authority.folder / "root.pem"
    desk.ok("authority", "add", "free", "--url", URL, "--root", root, "--qualified")
    out = desk.ok("authority", "list").out
    assert "free  http://tsa.example.org/  declared as qualified, last time-stamp: never" in out
    (listed,) = desk.ok("authority", "list", "--format", "json").json["authorities"]
    assert (listed["name"], listed["qualified"], listed["last_stamp"]) == ("free", True, None)
    assert listed["roots"][0]["subject"] == "CN=Test root"
    assert len(listed["roots"][0]["sha256"]) == 64


def test_new_settings_show_how_an_authority_is_written(desk: Desk) -> None:
    """As a comment, that becomes an authority when it is filled in."""
    text = (desk.root / "archive.toml").read_text()
    assert "# [authority.example]" in text
    assert '# url = "http://tsa.example.org/"' in text
