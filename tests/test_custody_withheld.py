"""What the rules withhold: in headers and text, quotes and nested messages, whatever the spelling."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from mail import mail

from archiver.config import parse_settings
from archiver.custody.withheld import APART, Matcher, sources_of
from archiver.errors import ConfigurationError
from archiver.reading.everything import everything
from archiver.secrecy import WORDS, Secrecy

SETTINGS = 'time_zone = "Europe/Paris"\nlanguage = "fr"\n'


def met(text: str, **rules: tuple[str, ...]) -> list[str]:
    """Return the values of the rules that TEXT meets."""
    matcher = Matcher(sources_of(Secrecy(**rules)))
    return [ground.value for ground in matcher.grounds(text)]


def met_in(data: bytes, **rules: tuple[str, ...]) -> list[str]:
    """Return the values of the rules that a message meets anywhere in its bytes."""
    return met("\n\n".join(everything(data)), **rules)


@pytest.mark.parametrize(
    "text",
    [
        "CONFIDENTIEL AVOCAT",
        "Confidentiel – avocat",
        "> Confidentiel\n> avocat",
        "Confidentielle / Avocate",
        "la correspondance d'avocat",
        "la correspondance d\u2019avocat ci-jointe",
        "correspondance avec notre avocate",
        "Couvert par le secret professionnel de l'avocat",
        "l'avocat, tenu au\nsecret professionnel",
        "article 66-5 de la loi du 31 décembre 1971",
        "attorney-client privilege",
        "ATTORNEY\u2011CLIENT",
        "Privileged and Confidential",
        "PRIVILEGED & CONFIDENTIAL",
        "privi\u200bleged and con\u00adfidential",
        "legal professional privilege",
        "Sous toutes réserves",
        "sous toutes reserves",
        "SOUS TOUTES RE\u0301SERVES",
        "sous *toutes*\n  > réserves",
        "\uff33\uff2f\uff35\uff33 TOUTES RÉSERVES",
        "WITHOUT PREJUDICE",
        "Without prejudice\nTo Mr Smith",
        "la réunion de médiation du 4 mai",
        "dans le cadre de la médiation",
        "the mediation session",
        "une proposition transactionnelle",
        "our settlement offer",
        "under FRE 408",
    ],
)
def test_the_built_in_words_are_met_however_they_are_written(text: str) -> None:
    """Case, accents, line ends, quote marks, invisible characters and dashes do not matter."""
    assert met(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ces données sont confidentielles.",
        "le secret professionnel du médecin",
        "This message may contain confidential and/or privileged information.",
        "without prejudice to the rights of the parties",
        "remediation of the unprivileged account",
        "une plateforme de médiation numérique",
        "clearing and settlement of payments",
        "sous réserve de votre accord",
        "avocatier",
        "la table 66, article 5",
    ],
)
def test_ordinary_words_are_not_met(text: str) -> None:
    """What withholds half a dossier helps nobody."""
    assert met(text) == []


def test_each_built_in_word_can_be_switched_off() -> None:
    """By its name."""
    assert met("sous toutes réserves", off=("sous toutes réserves",)) == []
    for name in WORDS:
        assert name not in met(name, off=(name,))


def test_each_built_in_word_is_met_by_its_own_name() -> None:
    """Three are too common alone: secrecy is also a doctor's, mediation also a technique."""
    alone = {name for name in WORDS if name not in met(name)}
    assert alone == {"secret professionnel", "médiation", "conciliation"}


@pytest.mark.parametrize(
    "text",
    [
        "From: Me.Dupont@Cabinet.example",
        "écrire à <me.dupont@cabinet.example>, merci",
        "mailto:me.dupont@cabinet.example?subject=x",
        "me.dupont+acme@cabinet.example",
        "> De : Jean [me.dupont@cabinet.example]",
    ],
)
def test_an_address_is_met_wherever_it_stands(text: str) -> None:
    """In headers, in text, in a forwarded header."""
    assert met(text, addresses=("me.dupont@cabinet.example",)) == ["me.dupont@cabinet.example"]


@pytest.mark.parametrize(
    "text", ["some.dupont@cabinet.example", "me.dupont@cabinet.example-x.org", "dupont@cabinet"]
)
def test_another_address_is_not_met(text: str) -> None:
    """Not the end of a longer one, nor another domain."""
    assert met(text, addresses=("me.dupont@cabinet.example", "dupont@cabinet.example")) == []


@pytest.mark.parametrize(
    "text",
    [
        "x@cabinet.example",
        "x@mail.Cabinet.example.",
        "https://www.cabinet.example/equipe",
        "Message-ID: <1@cabinet.example>",
    ],
)
def test_a_domain_is_met_with_its_subdomains(text: str) -> None:
    """In addresses, links and identifiers."""
    assert met(text, domains=("cabinet.example",)) == ["cabinet.example"]


def test_another_domain_is_not_met() -> None:
    """One that only ends alike."""
    assert met("x@mycabinet.example x@cabinet.example-law.org", domains=("cabinet.example",)) == []


def test_a_domain_with_accents_is_met_in_both_spellings() -> None:
    """As people write it and as DNS does."""
    rules = {"domains": ("société-avocats.example",)}
    assert met("x@société-avocats.example", **rules)
    assert met("x@" + "société-avocats.example".encode("idna").decode(), **rules)


def test_own_words_are_met_like_the_built_in_ones() -> None:
    """A lawyer's name, where a mail program quotes names without addresses."""
    assert met("De : Maître\n> DUPONT", words=("maître Dupont",)) == ["maître Dupont"]
    assert met("De : Maître Dupontel", words=("maître Dupont",)) == []


@pytest.mark.parametrize("header", ["From", "To", "Cc", "Bcc", "Reply-To", "Sender", "Resent-To"])
def test_every_header_counts(header: str) -> None:
    """Whoever takes part in whatever way."""
    data = f"{header}: Me Dupont <dupont@cabinet.example>\r\nSubject: x\r\n\r\nx".encode()
    assert met_in(data, addresses=("dupont@cabinet.example",))


def test_a_nested_message_counts_with_all_its_headers() -> None:
    """Also those that the reading does not show, such as Bcc."""
    inner = EmailMessage(policy=SMTP)
    inner["From"] = "marie@client.example"
    inner["Bcc"] = "dupont@cabinet.example"
    inner.set_content("Rien.\n")
    outer = EmailMessage(policy=SMTP)
    outer["From"] = "marie@client.example"
    outer.set_content("Voir ci-joint.\n")
    outer.add_attachment(inner)
    assert met_in(outer.as_bytes(), domains=("cabinet.example",))


def test_an_alternative_that_is_not_shown_counts() -> None:
    """The bytes go out with all alternatives."""
    data = mail(
        text="Bonjour, voici une réponse bien assez longue pour être lue.\n",
        html="<p>Bonjour</p><blockquote>sous <b>toutes</b> r&eacute;serves</blockquote>",
    )
    assert met_in(data) == ["sous toutes réserves"]


def test_an_address_in_an_html_attribute_counts() -> None:
    """A link shows a name only."""
    data = mail(html='<p>Voir <a href="mailto:dupont@cabinet.example">Jean</a></p>')
    assert met_in(data, domains=("cabinet.example",))


def test_text_attachments_and_their_names_count() -> None:
    """As far as they are text."""
    data = mail(attachments=[("note.txt", "text/plain", b"without prejudice")])
    assert met_in(data) == ["without prejudice"]
    named = mail(attachments=[("confidentiel avocat.pdf", "application/pdf", b"%PDF")])
    assert met_in(named) == ["confidentiel avocat"]


def test_encoded_words_and_encodings_are_undone() -> None:
    """Base64, quoted-printable and encoded words hide nothing."""
    data = (
        b"From: a@x.example\r\nSubject: =?utf-8?q?Sous_toutes_r=C3=A9serves?=\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        b"UHJpdmlsZWdlZCBhbmQgY29uZmlkZW50aWFs\r\n"
    )
    assert set(met_in(data)) == {"sous toutes réserves", "privileged and confidential"}


def test_what_is_no_message_is_looked_through_as_it_stands() -> None:
    """Nothing goes out because it could not be read."""
    assert met_in(b"\x00\x01 sous toutes r\xe9serves")


def test_words_of_two_parts_are_not_taken_together() -> None:
    """One file's name may end where another's text begins."""
    assert met(APART.join(["confidentiel", "avocat"])) == []


def test_the_table_of_archive_toml_is_read() -> None:
    """With all its keys."""
    text = SETTINGS + (
        '[withheld]\naddresses = ["a@b.example"]\ndomains = ["b.example"]\n'
        'words = ["maître Dupont"]\noff = ["without prejudice"]\n'
    )
    assert parse_settings(text).withheld == Secrecy(
        addresses=("a@b.example",),
        domains=("b.example",),
        words=("maître Dupont",),
        off=("without prejudice",),
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('domains = ["@b.example"]', "'@b.example' is not a mail domain"),
        ('domains = ["example"]', "'example' is not a mail domain"),
        ('words = ["a b"]', "'a b' is too short: it would be met everywhere"),
        (
            'off = ["mediation"]',
            "'mediation' is no built-in word; they are: \"confidentiel avocat\"",
        ),
        ('adresses = ["a@b.example"]', "unknown key; did you mean addresses?"),
    ],
)
def test_a_wrong_table_is_told(line: str, says: str) -> None:
    """A rule that means nothing would be a promise that nobody keeps."""
    with pytest.raises(ConfigurationError) as error:
        parse_settings(f"{SETTINGS}[withheld]\n{line}\n")
    assert says in error.value.what
