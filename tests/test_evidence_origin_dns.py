"""DNS as it is spoken: a server on this machine answers, fails, hangs or talks nonsense."""

import dns.rcode
import pytest
from zone import dns_server, key, name, response

from archiver.evidence.origin.dns import DnsResolver, read_answer
from archiver.evidence.origin.resolver import Answer, NoAnswer, NoKey

RECORDS = {name(): [key(2048).published]}


def test_an_answer_comes_with_its_bytes() -> None:
    """Which say the same when they are read again."""
    with dns_server(RECORDS) as server:
        reply = DnsResolver(server).txt(name())
    assert isinstance(reply, Answer)
    assert reply.texts == (key(2048).published.encode(),)
    assert reply.validated
    assert read_answer(name(), reply.wire) == reply


def test_an_alias_is_followed() -> None:
    """Keys are often kept by the sender's mail service; the whole answer is kept."""
    records = {name(): ["=key.service.example"], "key.service.example": ["v=DKIM1; p=AAAA"]}
    with dns_server(records) as server:
        reply = DnsResolver(server).txt(name())
    assert isinstance(reply, Answer)
    assert reply.texts == (b"v=DKIM1; p=AAAA",)
    assert read_answer(name(), reply.wire) == reply


def test_no_such_name_and_no_text_are_answers() -> None:
    """The key is gone, or never was."""
    with dns_server({"empty.example": []}) as server:
        assert DnsResolver(server).txt("nowhere.example") == NoKey()
        assert DnsResolver(server).txt("empty.example") == NoKey()


def test_a_server_that_fails_gives_no_answer() -> None:
    """SERVFAIL may pass."""
    with dns_server(RECORDS, rcode=dns.rcode.SERVFAIL) as server:
        assert DnsResolver(server, lifetime=1).txt(name()) == NoAnswer("servfail")


@pytest.mark.parametrize("fault", ["mute", "junk"])
def test_a_server_that_says_nothing_sensible_gives_no_answer(fault: str) -> None:
    """Within the time that it is given."""
    with dns_server(RECORDS, mute=fault == "mute", junk=fault == "junk") as server:
        reply = DnsResolver(server, lifetime=0.5).txt(name())
    assert isinstance(reply, NoAnswer)
    assert reply.reason in {"time-out", "servfail"}


def test_nobody_at_that_address_gives_no_answer() -> None:
    """The port is closed."""
    reply = DnsResolver("127.0.0.1:1", lifetime=0.5).txt(name())
    assert isinstance(reply, NoAnswer)


def test_a_machine_without_a_network_says_so() -> None:
    """The system refuses to send; then nobody else is asked either."""
    assert DnsResolver("255.255.255.255", lifetime=0.5).txt(name()) == NoAnswer("network")


def test_a_name_that_is_none_gives_no_answer() -> None:
    """And never raises."""
    assert isinstance(DnsResolver("127.0.0.1:1", lifetime=0.2).txt("x" * 70), NoAnswer)
    assert isinstance(DnsResolver("127.0.0.1:1", lifetime=0.2).txt("a..b"), NoAnswer)


def test_a_server_may_be_named_in_each_form() -> None:
    """As archive.toml allows."""
    for text in (
        "192.0.2.1",
        "192.0.2.1:5353",
        "[2001:db8::1]:5353",
        "[2001:db8::1]",
        "2001:db8::1",
    ):
        DnsResolver(text)
    with pytest.raises(ValueError, match="not"):
        DnsResolver("dns.example")


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\0" * 11,
        b"\xff" * 64,
        response("other.example", ["v=DKIM1; p=AAAA"]),
        response(name(), ["v=DKIM1; p=AAAA"])[:-3],
        response(name(), ["v=DKIM1; p=AAAA"]) + b"x",
    ],
)
def test_what_is_no_answer_to_the_question_is_refused(wire: bytes) -> None:
    """A kept object that somebody changed."""
    assert read_answer(name(), wire) == NoAnswer("unreadable")
