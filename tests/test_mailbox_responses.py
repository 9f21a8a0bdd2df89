"""Answers of servers are read one by one, however odd."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.mailbox.server.responses import (
    fetched,
    internaldate,
    listed,
    namespaces,
    number,
    statuses,
)


def test_a_literal_belongs_to_its_name() -> None:
    """The body is the literal, and what follows it is read too."""
    items = [(b"3 (UID 9 BODY[] {5}", b"a)\r\nb"), b" FLAGS (\\Seen))"]
    assert list(fetched(items)) == [
        (9, {b"UID": 9, b"BODY[]": b"a)\r\nb", b"FLAGS": (b"\\Seen",)}),
    ]


def test_a_body_may_be_quoted_or_nil() -> None:
    """Servers choose the form of a string; NIL is none."""
    items = [b'1 (UID 1 BODY[] "a \\"b\\"")', b"2 (uid 2 body[] nil)"]
    assert [attributes[b"BODY[]"] for _uid, attributes in fetched(items)] == [b'a "b"', None]


def test_an_answer_without_uid_is_nobodys() -> None:
    """A sequence number is never taken for a UID."""
    assert list(fetched([b"5 (FLAGS (\\Seen))"])) == []


def test_one_answer_that_makes_no_sense_spoils_no_other() -> None:
    """Parentheses left open, closed twice, nested without end."""
    items = [b"1 (UID 1", b"2 (UID 2))", b"3 " + b"(" * 5000, b"4 (UID 4)", None]
    assert [uid for uid, _attributes in fetched(items)] == [4]


def test_a_keyword_may_hold_a_bracket() -> None:
    """``[`` is allowed in a flag (RFC 3501: atom-specials); imapclient cannot read it."""
    ((_uid, attributes),) = fetched([b"1 (UID 1 FLAGS (a[b $Work))"])
    assert attributes[b"FLAGS"] == (b"a[b", b"$Work")


def test_folders_are_listed_in_any_form() -> None:
    """Quoted, atom, number and literal names; NIL for a flat name space."""
    items = [
        b'(\\HasNoChildren \\Sent) "/" "A \\"b\\" \\\\c"',
        b"() NIL 2024",
        b'() "." INBOX',
        (b'() "/" {3}', b'x"y'),
        b"",
        b'(\\Sent) "/" Odd (one',
        b'() "\\\\" a"b',
        b"(",
    ]
    assert [(item.name, item.delimiter) for item in listed(items)] == [
        (b'A "b" \\c', "/"),
        (b"2024", ""),
        (b"INBOX", "."),
        (b'x"y', "/"),
        (b"Odd (one", "/"),
        (b'a"b', "\\"),
    ]


@given(st.lists(st.binary() | st.tuples(st.binary(), st.binary())))
def test_nothing_that_a_server_sends_raises(items: list[bytes | tuple[bytes, bytes]]) -> None:
    """Hostile answers are left out."""
    list(fetched(items))
    list(listed(items))
    list(statuses(items))
    list(namespaces(items))


def test_a_status_names_its_folder() -> None:
    """In any form; one that cannot be read is left out."""
    items = [
        b'"A \\"b" (MESSAGES 1 uidnext 2)',
        (b"{3}", b'x"y'),
        b" (MESSAGES 3)",
        b"2024 ()",
        b"INBOX",
        b"INBOX (MESSAGES 1",
    ]
    assert list(statuses(items)) == [
        (b'A "b', {b"MESSAGES": 1, b"UIDNEXT": 2}),
        (b'x"y', {b"MESSAGES": 3}),
        (b"2024", {}),
    ]


def test_namespaces_are_ours_or_others() -> None:
    """Personal ones first, then those of other users, then shared ones (RFC 2342, section 5)."""
    items = [b'(("" "/")("#mh/" "/" "X-PARAM" ("a"))) NIL (("Public/" "/")(NIL) odd)']
    assert list(namespaces(items)) == [(b"", False), (b"#mh/", False), (b"Public/", True)]


@pytest.mark.parametrize(
    ("value", "read"),
    [(5, 5), (b"9223372036854775807", 2**63 - 1), (b"1" * 21, None), (b"x", None), (None, None)],
)
def test_numbers_have_64_bits(value: int | bytes | None, read: int | None) -> None:
    """More than a mod-sequence has."""
    assert number(value) == read


def test_a_header_of_the_usual_form_is_read_as_any_other() -> None:
    """The short cut finds the same."""
    items = [(b"3 (UID 5 BODY[HEADER.FIELDS (FROM X-A)] {3}", b"a)("), b")"]
    slow = [(items[0][0].replace(b"UID", b"uid"), b"a)("), b")"]
    assert list(fetched(items)) == list(fetched(slow))


@given(st.binary(), st.binary(), st.integers(0, 10**12), st.integers(0, 10**12))
def test_the_usual_form_is_read_as_any_other(
    date: bytes, flags: bytes, uid: int, size: int
) -> None:
    """The short cut for what most servers send finds the same; lower case does not take it."""
    start = b"3 (UID %d RFC822.SIZE %d " % (uid, size)
    outline = b'%sINTERNALDATE "%s" FLAGS (%s))' % (start, date, flags)
    body = b"3 (UID %d BODY[] {%d}" % (uid, len(date))
    for end in (b")", b" FLAGS (%s))" % flags):
        items = [outline, (body, date), end]
        slow = [outline.replace(b"UID", b"uid", 1), (body.replace(b"UID", b"uid", 1), date), end]
        assert list(fetched(items)) == list(fetched(slow))


@pytest.mark.parametrize("flags", [b"", b"\\Seen", b"\\Seen $Work 2024 nil 007", b"a]b"])
def test_the_usual_flags_are_read_as_any_other(flags: bytes) -> None:
    """Keywords that look like something else, too."""
    answer = b'1 (UID 5 RFC822.SIZE 7 INTERNALDATE "x" FLAGS (%s))' % flags
    ((uid, attributes),) = fetched([answer])
    assert (uid, attributes) == next(iter(fetched([answer.replace(b"UID", b"uid", 1)])))
    assert attributes[b"RFC822.SIZE"] == 7


def test_an_internaldate_keeps_its_offset() -> None:
    """The server's offset is evidence of where it stood."""
    date = internaldate(b" 7-Jul-2026 02:44:25 -0730")
    assert date is not None
    assert date.isoformat() == "2026-07-07T02:44:25-07:30"
    assert date.utcoffset() == -timedelta(hours=7, minutes=30)


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        b"",
        b"yesterday",
        b"31-Feb-2026 00:00:00 +0000",
        b"01-Foo-2026 00:00:00 +0000",
        b"01-Jan-2026 00:00:00 +9900",
        b"01-Jan-2026 00:00:00 +0099",
        b"01-Jan-0000 00:00:00 +0000",
    ],
)
def test_what_is_no_date_is_none(value: bytes | int | None) -> None:
    """A date that cannot be is not made up."""
    assert internaldate(value) is None
