"""Folders get their role from the server or their name, and the right ones are fetched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7

from archiver.mailbox.folders import choose, role_of
from archiver.mailbox.server import mutf7
from archiver.mailbox.server.session import Folder

INBOX = Folder("INBOX", "inbox", selectable=True)
SENT = Folder("Sent", "sent", selectable=True)
DRAFTS = Folder("Brouillons", "drafts", selectable=True)
JUNK = Folder("Spam", "junk", selectable=True)
PROJECT = Folder("Clients/Été", None, selectable=True)
PARENT = Folder("Clients", None, selectable=False)
ALL = (JUNK, DRAFTS, PARENT, PROJECT, SENT, INBOX)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Sent Items", "sent"),
        ("Éléments envoyés", "sent"),
        ("Gesendete Elemente", "sent"),
        ("Elementos enviados", "sent"),
        ("Posta inviata", "sent"),
        ("Verzonden items", "sent"),
        ("Itens enviados", "sent"),
        ("Drafts", "drafts"),
        ("Brouillons", "drafts"),
        ("Entwürfe", "drafts"),
        ("Borradores", "drafts"),
        ("Bozze", "drafts"),
        ("Concepten", "drafts"),
        ("Rascunhos", "drafts"),
        ("Boîte d’envoi", "outbox"),
        ("Postausgang", "outbox"),
        ("Postvak UIT", "outbox"),
        ("Bandeja de salida", "outbox"),
        ("Posta in uscita", "outbox"),
        ("Caixa de saída", "outbox"),
        ("Modèles", "templates"),
        ("Vorlagen", "templates"),
        ("Plantillas", "templates"),
        ("Modelli", "templates"),
        ("Sjablonen", "templates"),
        ("Modelos", "templates"),
        ("Courrier indésirable", "junk"),
        ("Junk-E-Mail", "junk"),
        ("Correo no deseado", "junk"),
        ("Posta indesiderata", "junk"),
        ("Ongewenste e-mail", "junk"),
        ("Lixo Eletrônico", "junk"),
        ("Corbeille", "trash"),
        ("Gelöschte Elemente", "trash"),
        ("Papelera", "trash"),
        ("Cestino", "trash"),
        ("Prullenbak", "trash"),
        ("Lixeira", "trash"),
        ("Archives", "archive"),
        ("Archiv", "archive"),
        ("Archivio", "archive"),
        ("Archief", "archive"),
        ("Arquivo", "archive"),
        ("inbox", "inbox"),
        ("ACME", None),
    ],
)
def test_a_folder_is_known_by_its_name_in_seven_languages(name: str, role: str | None) -> None:
    """Without SPECIAL-USE the name decides, accents and case ignored."""
    assert role_of(name, (), "/") == role


def test_the_server_knows_better_than_the_name() -> None:
    """SPECIAL-USE (RFC 6154) comes before names."""
    assert role_of("Archive", ("\\hasnochildren", "\\sent"), "/") == "sent"


@pytest.mark.parametrize("name", ["INBOX.Brouillons", "INBOX/Brouillons", "[Gmail]/Brouillons"])
def test_names_count_below_the_inbox_of_servers_that_put_all_there(name: str) -> None:
    """Courier and others keep every folder under INBOX, Gmail under [Gmail]."""
    assert role_of(name, (), "." if "." in name else "/") == "drafts"


def test_a_clients_folder_of_templates_is_a_clients_folder() -> None:
    """Deep in the tree a name decides nothing: that mail would be left out."""
    assert role_of("Clients/ACME/Modèles", (), "/") is None


def test_all_is_fetched_but_what_was_never_exchanged() -> None:
    """Drafts are left out and told; the inbox comes first, junk last."""
    choice = choose(ALL, ())
    assert choice.fetch == (INBOX, PROJECT, SENT, JUNK)
    assert choice.left_out == (DRAFTS,)


def test_named_folders_alone_are_fetched_even_drafts() -> None:
    """An account that names folders gets these and no others."""
    choice = choose(ALL, ("Brouillons", "inbox"))
    assert (choice.fetch, choice.left_out) == ((DRAFTS, INBOX), ())


def test_a_named_folder_may_be_typed_decomposed() -> None:
    """A name typed on macOS has its accents apart."""
    assert choose(ALL, ("Clients/E\u0301te\u0301",)).fetch == (PROJECT,)


def test_a_named_folder_that_is_not_there_is_told() -> None:
    """A misspelt folder, and one that holds no mail, are missing."""
    assert choose(ALL, ("Sent", "Sennt", "Clients")).missing == ("Sennt", "Clients")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_travels_in_modified_utf7(name: str) -> None:
    """What is encoded decodes to the same, and as imapclient encodes it."""
    raw = mutf7.encode(name)
    assert mutf7.decode(raw) == name
    assert raw == imap_utf7.encode(name)


@given(st.binary(max_size=30))
def test_what_decodes_leads_back_to_the_same_bytes(raw: bytes) -> None:
    """No name is shown that the server would not understand when it is sent back."""
    name = mutf7.decode(raw)
    assert name is None or mutf7.encode(name) == raw


@pytest.mark.parametrize("raw", [b"A & B", b"&AOk", b"caf\xc3\xa9", b"&2D0-", b"&!-"])
def test_an_odd_name_does_not_decode(raw: bytes) -> None:
    """A bare ampersand, an open shift, eight bits, half a surrogate pair."""
    assert mutf7.decode(raw) is None
