"""``origin``: capture over a real socket, show, verify again; the grades in ``show``."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Desk, Said, new_desk
from zone import MESSAGE, dns_server, key, name, signed

from archiver.config import parse_settings
from archiver.errors import ConfigurationError

SIGNED = signed()
ID = hashlib.sha256(SIGNED).hexdigest()
ONLINE = {"ARCHIVER_OFFLINE": "0"}


def configure(desk: Desk, dns: str) -> None:
    """Name the DNS server in archive.toml."""
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + f'\n[origin]\ndns = "{dns}"\n')


def online(desk: Desk, *arguments: object) -> Said:
    """Run a command that may ask the DNS server of the test."""
    said = desk(*arguments, environ=ONLINE)
    assert said.code == 0, (said.out, said.err)
    return said


@pytest.fixture
def server() -> Iterator[str]:
    """Serve the key."""
    with dns_server({name(): [key().published]}) as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with a signed and an unsigned message, of which nothing was captured."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", SIGNED, MESSAGE)
    return desk


def test_origin_captures_what_waits_and_counts_it(desk: Desk, server: str) -> None:
    """A second time there is nothing left."""
    configure(desk, server)
    assert online(desk, "origin").out == "Captured the origin of 2 records.\n"
    assert online(desk, "origin", "--format", "json").json == {
        "schema": 1,
        "captured": 0,
        "waiting": 0,
        "unread": 0,
        "names_asked": 0,
        "stalled": False,
        "dns": True,
    }


def test_what_dns_does_not_answer_is_said_to_wait(desk: Desk) -> None:
    """And the command is no failure: a later one asks again."""
    configure(desk, "127.0.0.1:1")
    said = online(desk, "origin")
    assert "Captured the origin of 1 record.\n" in said.out
    assert "1 record waits for DNS; a later command asks again.\n" in said.out


def test_origin_of_a_record_shows_what_was_captured(desk: Desk, server: str) -> None:
    """Signature, key and dates."""
    configure(desk, server)
    online(desk, "origin")
    out = desk.ok("origin", ID[:10]).out
    assert f"Record: {ID}\n" in out
    assert (
        "Origin: O2: The servers of client.example signed header and body as they are here; the "
        "key was recorded only by this archive's owner.\n"
    ) in out
    assert "Dated: D0: No third party has dated it yet.\n" in out
    assert (
        "Signature: client.example (s1): holds; rsa-sha256; 1024 bits; of the sender's domain\n"
    ) in out
    assert "Key: s1._domainkey.client.example, first seen " in out
    assert "Date in the message: 2026-03-02 10:28+01:00\n" in out


def test_origin_of_a_record_as_json_holds_the_entry(desk: Desk, server: str) -> None:
    """For programs, with the key itself."""
    configure(desk, server)
    online(desk, "origin")
    found = desk.ok("origin", ID, "--format", "json").json
    assert found["id"] == ID
    assert found["origin"]["grade"] == "O2"
    assert found["origin"]["reasons"] == ["signed", "key-by-owner"]
    assert found["dated"]["grade"] == "D0"
    (signature,) = found["captured"]["signatures"]
    assert (signature["result"], signature["header_result"]) == ("pass", "pass")
    (one,) = found["captured"]["keys"]
    assert one["texts"] == [key().published]
    assert one["entries"] == [signature["key"]]


def test_origin_of_a_record_of_which_nothing_was_captured_says_so(desk: Desk) -> None:
    """It is no error."""
    out = desk.ok("origin", ID).out
    assert "Origin: O0: Nobody has looked yet who signed it.\n" in out
    assert desk.ok("origin", ID, "--format", "json").json["captured"] is None


def test_show_tells_both_grades_in_a_sentence(desk: Desk, server: str) -> None:
    """In text and as JSON."""
    configure(desk, server)
    online(desk, "origin")
    out = desk.ok("show", ID).out
    assert "Origin: O2: The servers of client.example signed header and body" in out
    assert "Dated: D0: No third party has dated it yet.\n" in out
    found = desk.ok("show", ID, "--format", "json").json
    assert found["origin"]["grade"] == "O2"
    assert found["dated"] == {
        "grade": "D0",
        "meaning": "No third party has dated it yet.",
        "reasons": ["no-stamp"],
        "time": None,
    }


def test_our_own_copy_comes_with_advice(tmp_path: Path, server: str) -> None:
    """How the next one can be shown to be ours."""
    desk = new_desk(tmp_path / "archive")
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + ACCOUNT + 'addresses = ["anne@client.example"]\n')
    configure(desk, server)
    desk.keep(tmp_path / "mail", MESSAGE)
    online(desk, "origin")
    out = desk.ok("origin", hashlib.sha256(MESSAGE).hexdigest()).out
    assert "Origin: O0: It is our own copy of what we sent: nobody else signed it.\n" in out
    assert "Advice: Send what matters with a blind copy (BCC)" in out


def test_recheck_verifies_without_the_network(desk: Desk, server: str) -> None:
    """One record, or all."""
    configure(desk, server)
    online(desk, "origin")
    for arguments, count in (((), 2), (("all",), 2), ((ID,), 1)):
        said = desk.ok("origin", "--recheck", *arguments)
        assert said.out == f"origins: {count}\nEverything checked is as it was captured.\n"


def test_recheck_exits_three_when_a_key_is_gone(desk: Desk, server: str) -> None:
    """And says what to do."""
    configure(desk, server)
    online(desk, "origin")
    for path in (desk.root / "objects").rglob("*"):
        if path.is_file() and b"_domainkey" in path.read_bytes():
            path.unlink()
    said = desk("origin", "--recheck")
    assert said.code == 3
    assert "[key-object-missing]" in said.out
    assert "Put the object back from a backup" in said.out
    assert desk("origin", "--recheck", "--format", "json").json["findings"][0]["level"] == "error"


def test_recheck_exits_three_when_an_entry_cannot_be_read(desk: Desk, server: str) -> None:
    """What was not checked is not said to be well."""
    configure(desk, server)
    online(desk, "origin")
    journal = sqlite3.connect(desk.root / "journal" / "journal.sqlite")
    with journal:
        journal.execute(
            "UPDATE entry SET body = X'7B' WHERE position = (SELECT max(entry) FROM origin)"
        )
    journal.close()
    said = desk("origin", "--recheck", "all")
    assert said.code == 3
    assert "[origin-unread]" in said.out
    assert "as it was captured" not in said.out


def test_what_is_not_signed_is_told_by_name(tmp_path: Path, server: str) -> None:
    """With the reason of a signature that does not count, in words."""
    desk = new_desk(tmp_path / "archive")
    data = b"Subject: Another\r\nDKIM-Signature: v=1; d=client.example; a=x\r\n" + SIGNED
    desk.keep(tmp_path / "mail", data)
    configure(desk, server)
    online(desk, "origin")
    out = desk.ok("origin", hashlib.sha256(data).hexdigest()).out
    assert "O2: The servers of client.example signed the body and a part of the header; " in out
    assert "not signed: Subject; the key was recorded only by this archive's owner.\n" in out
    assert (
        "client.example (): not written as it should be; something in it is missing, or is not "
        "allowed; x; of the sender's domain\n"
    ) in out
    assert "client.example (s1): holds; not signed: Subject; rsa-sha256" in out


def test_recheck_of_nothing_is_a_finding(desk: Desk) -> None:
    """Silence would look like a good result."""
    said = desk.ok("origin", "--recheck")
    assert "[nothing-checked]" in said.out
    assert "No origin was captured, so there was nothing to check." in said.out


def test_offline_refuses_to_capture(desk: Desk) -> None:
    """And says how to go on."""
    for arguments, environ in ((("--offline",), ONLINE), ((), None)):
        said = desk(*arguments, "origin", environ=environ)
        assert said.code == 2
        assert (
            "DNS is not to be asked: --offline was given, or ARCHIVER_OFFLINE is set." in said.err
        )
        assert "`archiver origin --recheck all` needs no network" in said.err


def test_a_setting_may_forbid_dns(desk: Desk) -> None:
    """For an archive that must not tell anybody whom it hears from."""
    configure(desk, "off")
    assert "still to be captured: 2 (archiver origin)" in desk.ok("status").out
    for environ in (ONLINE, None):
        said = desk("origin", environ=environ)
        assert said.code == 0
        assert (
            "1 record is signed, but its key is not asked for: archive.toml switches DNS off.\n"
            'To have them asked for, write dns = "system" under [origin] in archive.toml.\n'
        ) in said.out
    assert not desk.ok("origin", "--format", "json").json["dns"]
    status = desk.ok("status").out
    assert (
        "Signed records whose keys are not asked for: 1 (archive.toml switches DNS off)" in status
    )
    assert "still to be captured" not in status
    assert "Date in the message: 2026-03-02 10:28+01:00\n" in desk.ok("origin", ID).out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_an_archive_that_cannot_be_written_is_refused(desk: Desk) -> None:
    """Nothing can be captured there."""
    folder = desk.root / "journal"
    folder.chmod(0o500)
    try:
        said = desk("origin", environ=ONLINE)
    finally:
        folder.chmod(0o700)
    assert said.code == 1
    assert "is open for reading only" in said.err


def test_all_alone_is_no_record(desk: Desk) -> None:
    """It goes with --recheck."""
    said = desk("origin", "all")
    assert said.code == 2
    assert "Write `archiver origin --recheck all`, or name one record." in said.err


SETTINGS = 'time_zone = "Europe/Paris"\nlanguage = "fr"\n'
ACCOUNT = (
    '[account.work]\nhost = "imap.example.org"\nport = 993\nuser = "u"\nsecurity = "tls"\n'
    'keep = "everything"\n'
)


def test_the_providers_servers_stand_in_the_settings() -> None:
    """One account each."""
    settings = parse_settings(SETTINGS + ACCOUNT + 'authserv = ["mx.example.org"]\n')
    assert settings.accounts[0].authserv == ("mx.example.org",)
    with pytest.raises(ConfigurationError, match="copy the first word of Authentication-Results"):
        parse_settings(SETTINGS + ACCOUNT + 'authserv = ["not a server"]\n')


@pytest.mark.parametrize(
    "server", ["system", "off", "9.9.9.9", "192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::1"]
)
def test_dns_may_be_any_of_these(server: str) -> None:
    """System is what is asked when nothing is said."""
    assert parse_settings(SETTINGS + f'[origin]\ndns = "{server}"\n').dns == server
    assert parse_settings(SETTINGS).dns == "system"


@pytest.mark.parametrize("server", ["dns.example", "9.9.9.9:", "9.9.9.9:99999", "9.9.9", "on"])
def test_dns_is_an_address(server: str) -> None:
    """A name would have to be looked up."""
    with pytest.raises(ConfigurationError, match="is not the address of a DNS server"):
        parse_settings(SETTINGS + f'[origin]\ndns = "{server}"\n')
