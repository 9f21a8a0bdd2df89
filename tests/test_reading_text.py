"""The text of a message: the right parts, in order, in the right characters."""

import pytest
from mail import mail

from archiver.reading import read
from archiver.reading.mime.charsets import clean, decode
from archiver.reading.text import unflow


def multipart(subtype: str, *parts: bytes) -> bytes:
    """Return a multipart message of PARTS, each with its headers."""
    head = b'From: a@b.example\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\nContent-Type: multipart/%s; boundary="="\r\n\r\n'
    body = b"".join(b"--=\r\n" + part + b"\r\n" for part in parts)
    return head % subtype.encode() + body + b"--=--\r\n"


def part(text: str, type_: str = "text/plain", *more: str) -> bytes:
    """Return a part with its headers."""
    return "\r\n".join([f"Content-Type: {type_}; charset=utf-8", *more, "", text]).encode()


def codes(data: bytes) -> list[str]:
    """Return the codes of the defects that reading DATA finds."""
    return [defect.code for defect in read(data).defects]


def test_the_text_of_a_plain_message_is_its_words() -> None:
    """With newlines for CRLF."""
    assert read(mail(text="One.\nTwo.\n")).text == "One.\nTwo."


def test_of_two_alternatives_the_plain_one_is_read() -> None:
    """The HTML says the same and is no attachment."""
    reading = read(mail(text="plain words", html="<p>rich words</p>"))
    assert (reading.text, reading.attachments) == ("plain words", ())


@pytest.mark.parametrize(
    "plain",
    ["", " \r\n\t", "Your mail program does not show HTML.", "Afficher ce message en ligne"],
)
def test_a_blank_or_stub_alternative_gives_way_to_html(plain: str) -> None:
    """Otherwise the message could not be found by its words."""
    rich = "<p>" + "the deliverable is accepted " * 20 + "</p>"
    data = multipart("alternative", part(plain), part(rich, "text/html"))
    assert "deliverable is accepted" in read(data).text


def test_a_short_true_alternative_stays() -> None:
    """Long HTML that begins the same is only a longer signature."""
    rich = "<p>We accept.</p>" + "<p>Legal words follow.</p>" * 20
    data = multipart("alternative", part("We accept."), part(rich, "text/html"))
    assert read(data).text == "We accept."


def test_text_picture_text_is_read_in_order() -> None:
    """As Apple Mail sends it."""
    picture = b"Content-Type: image/png\r\nContent-Disposition: inline; filename=p.png\r\n\r\nPNG"
    reading = read(multipart("mixed", part("before"), picture, part("after")))
    assert reading.text == "before\n\nafter"
    assert [(item.part, item.name, item.inline) for item in reading.attachments] == [
        ("2", "p.png", True)
    ]


def test_html_between_plain_parts_is_read_too() -> None:
    """A list's footer does not hide the message."""
    reading = read(multipart("mixed", part("<b>bold</b> claim", "text/html"), part("footer")))
    assert reading.text == "bold claim\n\nfooter"


def test_attachments_inside_an_alternative_are_not_lost() -> None:
    """Apple Mail puts the PDF beside the HTML."""
    pdf = b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF"
    inner = (
        b'Content-Type: multipart/mixed; boundary="+"\r\n\r\n--+\r\n%s\r\n--+\r\n%s\r\n--+--'
        % (part("<p>rich</p>", "text/html"), pdf)
    )
    reading = read(multipart("alternative", part("plain"), inner))
    assert reading.text == "plain"
    assert [item.part for item in reading.attachments] == ["2.2"]


@pytest.mark.parametrize(
    ("charset", "data", "expected", "defect"),
    [
        ("utf-8", "été".encode(), "été", ""),
        ("iso-8859-1", "l’été €".encode("cp1252"), "l’été €", ""),
        ("us-ascii", "été".encode(), "été", "charset-undeclared"),
        ("us-ascii", "été".encode("latin-1"), "été", "charset-undeclared"),
        ("", "été".encode("latin-1"), "été", "charset-undeclared"),
        ("klingon-1", "été".encode(), "été", "charset-unknown"),
        ("klingon-1", b"ascii", "ascii", ""),
        ("utf-8", "été".encode("latin-1"), "été", "charset-wrong"),
        ("utf-8", "été ".encode() + b"\xe9", "été é", "charset-wrong"),
        ("gb2312", "朱镕基".encode("gb18030"), "朱镕基", ""),
        ("iso-2022-jp", "日本語".encode("iso-2022-jp"), "日本語", ""),
        ("us-ascii", "日本語".encode("iso-2022-jp"), "日本語", "charset-undeclared"),
        ("utf-7", b"+AOk-t+AOk-", "été", ""),
        ("koi8-r", "привет".encode("koi8-r"), "привет", ""),
        ("utf-16", "été".encode("utf-16"), "été", ""),
        ("utf-16", b"really ascii", "really ascii", ""),
        ("base64", b"x\xe9", "xé", "charset-unknown"),
        ("punycode", b"x\xe9", "xé", "charset-unknown"),
        ("utf\0-8", b"x\xe9", "xé", "charset-unknown"),
        ("utf-7", b"+2AA-", "\ufffd", ""),
    ],
)
def test_characters_are_recovered(charset: str, data: bytes, expected: str, defect: str) -> None:
    """Unknown, missing or wrong character sets: UTF-8, then Windows-1252."""
    text, problem = decode(data, charset)
    assert (text.replace("\ufffd\ufffd", "\ufffd"), problem) in {
        (expected, defect),
        ("", defect),
        (expected, "charset-wrong"),
    }


def test_control_characters_do_not_leave_the_reader() -> None:
    """Neither do lone surrogates; SQLite and JSON take every text."""
    assert clean("a\0b\x1b[31m\r\nc\x85d\ud800\ufeff") == "ab[31m\nc\nd\ufffd\ufeff"


def test_the_defect_of_a_wrong_character_set_names_it() -> None:
    """A person can then see why the text looks odd."""
    data = mail().replace(b'charset="utf-8"', b'charset="klingon"').replace(b"A short", b"\xe9")
    (defect,) = read(data).defects
    assert (defect.code, defect.part) == ("charset-unknown", "1")
    assert "“klingon”" in defect.message


def test_flowed_lines_are_joined() -> None:
    """RFC 3676: soft breaks, space stuffing, quotes, the signature."""
    text = "We shall \ndeliver.\n From here\n> quoted \n> line\n>> deeper\n-- \nMarie"
    assert (
        unflow(text, delsp=False)
        == "We shall deliver.\nFrom here\n> quoted line\n>> deeper\n-- \nMarie"
    )


def test_flowed_lines_without_spaces_are_joined_with_delsp() -> None:
    """As for languages written without spaces."""
    assert unflow("日本 \n語", delsp=True) == "日本語"


def test_a_flowed_message_is_read_as_paragraphs() -> None:
    """The parameter is what turns it on."""
    data = mail(text="one \ntwo\n").replace(
        b'text/plain; charset="utf-8"', b"text/plain; format=flowed"
    )
    assert read(data).text == "one two"


@pytest.mark.parametrize("encoding", ["base64", "BASE64 ", "base64;", '"base64"'])
def test_truncated_base64_keeps_what_is_there(encoding: str) -> None:
    """With a defect."""
    data = f"From: a@b.example\r\nDate: 2 Mar 2026 09:30 +0100\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nQm9uam91ciBNYXJ".encode()
    assert read(data).text == "Bonjour Mar"
    assert codes(data) == ["base64-damaged"]


def test_an_unknown_transfer_encoding_is_read_as_it_stands() -> None:
    """With a defect that names it."""
    data = b"From: a@b.example\r\nDate: 2 Mar 2026 09:30 +0100\r\nContent-Transfer-Encoding: magic\r\n\r\nwords"
    assert read(data).text == "words"
    assert "“magic”" in read(data).defects[0].message


def test_uuencoded_blocks_in_plain_text_stay_in_it() -> None:
    """They are words of the message."""
    assert "begin 644 x.txt" in read(mail(text="begin 644 x.txt\n#86)C\n`\nend\n")).text


def test_a_missing_boundary_makes_one_text_of_the_parts() -> None:
    """Nothing is dropped."""
    data = b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nwords inside\r\n--x--\r\n"
    assert "words inside" in read(data).text
    assert "boundary-missing" in codes(data)


def test_text_after_the_last_part_is_told() -> None:
    """It is not shown by mail programs, and not hidden by us."""
    data = multipart("mixed", part("shown")) + b"hidden words\r\n"
    (defect,) = read(data).defects
    assert defect.code == "text-outside"
    assert "hidden words" in defect.message


def test_an_endless_text_is_cut_and_told() -> None:
    """Five million characters are a library, not a message."""
    reading = read(mail() + b"x" * 5_100_000)
    assert len(reading.text) == 5_000_000
    assert "text-cut" in {defect.code for defect in reading.defects}


def test_enriched_text_loses_its_commands() -> None:
    """RFC 1896."""
    assert (
        read(b"Content-Type: text/enriched\r\n\r\n<bold>Now</bold> is\nthe <<time>\n\nfor\n").text
        == "Now is the <time>\nfor "
    )
