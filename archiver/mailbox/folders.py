"""Which folder is what, and which ones are fetched.

A role comes from the server (SPECIAL-USE, RFC 6154) or, without that, from the folder's name in
one of the languages that mail programs use. Names decide only at the top of the tree: a folder
``Clients/ACME/Modèles`` holds a client's mail, whatever it is called.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from archiver.mailbox.server.session import Folder, Role

LEFT_OUT: Final[frozenset[Role]] = frozenset({"drafts", "outbox", "templates"})
"""Roles that are fetched only when named: what is in there was never exchanged."""

_LAST: Final[frozenset[Role]] = frozenset({"all", "junk", "trash"})

_ATTRIBUTES: Final = MappingProxyType[str, Role](
    {
        "\\inbox": "inbox",
        "\\sent": "sent",
        "\\drafts": "drafts",
        "\\junk": "junk",
        "\\spam": "junk",  # XLIST, before RFC 6154
        "\\trash": "trash",
        "\\archive": "archive",
        "\\all": "all",
        "\\allmail": "all",
    }
)

# Folded: lower case, no accents. English, French, German, Spanish, Italian, Dutch, Portuguese, as
# Outlook, Exchange, Gmail, Apple Mail, Thunderbird, Roundcube, Zimbra and the web mails name them.
_NAMES: Final = MappingProxyType[Role, str](
    {
        "sent": """
            sent | sent items | sent mail | sent messages | sent mails | sent-mail | sentmail |
            envoyes | elements envoyes | messages envoyes | courriers envoyes | courrier envoye |
            mails envoyes | objets envoyes |
            gesendet | gesendete | gesendete elemente | gesendete objekte | gesendete nachrichten |
            enviados | elementos enviados | mensajes enviados | correo enviado | correos enviados |
            inviati | inviata | posta inviata | elementi inviati | messaggi inviati |
            verzonden | verzonden items | verzonden berichten | verstuurd |
            itens enviados | mensagens enviadas | correio enviado | enviadas | e-mails enviados |
            e-mail enviado
        """,
        "drafts": """
            drafts | draft | draft messages | brouillons | brouillon | messages brouillons |
            entwurfe | entwurf | borradores | borrador | bozze | bozza | concepten |
            rascunhos | rascunho
        """,
        "outbox": """
            outbox | unsent | unsent messages | boite d'envoi | messages a envoyer | a envoyer |
            messages en attente | postausgang | bandeja de salida | buzon de salida |
            posta in uscita | in uscita | postvak uit | uitgaand | caixa de saida | a enviar
        """,
        "templates": """
            templates | template | modeles | modeles de messages | gabarits | vorlagen |
            plantillas | modelli | sjablonen | modelos
        """,
        "junk": """
            junk | junk e-mail | junk-e-mail | junk email | junk mail | spam | spams | bulk mail |
            bulk | pourriel | pourriels | indesirables | courrier indesirable |
            messages indesirables | quarantaine |
            unerwunscht | unerwunschte werbung | werbung | spamverdacht |
            correo no deseado | correo basura | no deseado | posta indesiderata | indesiderata |
            ongewenste e-mail | ongewenste mail | ongewenst | reclame |
            lixo eletronico | lixo electronico | correio nao solicitado
        """,
        "trash": """
            trash | deleted | deleted items | deleted messages | deleted mail | bin | corbeille |
            elements supprimes | messages supprimes | supprimes | poubelle |
            papierkorb | geloscht | geloschte elemente | geloschte objekte |
            geloschte nachrichten |
            papelera | papelera de reciclaje | elementos eliminados | mensajes eliminados |
            eliminados | cestino | posta eliminata | elementi eliminati | eliminati |
            prullenbak | prullenmand | verwijderd | verwijderde items | verwijderde berichten |
            lixo | lixeira | itens excluidos | itens eliminados | mensagens excluidas | excluidos
        """,
        "archive": """
            archive | archives | archived | archiv | archivio | archivo | archief | arquivo |
            arquivos
        """,
        "all": """
            all mail | tous les messages | alle nachrichten | todos | todos los correos |
            todo el correo | tutti i messaggi | alle berichten | todos os e-mails
        """,
    }
)
_ROLES: Final = MappingProxyType[str, Role](
    {" ".join(name.split()): role for role, names in _NAMES.items() for name in names.split("|")}
)
_GMAIL: Final = frozenset({"[gmail]", "[google mail]"})
_ROOTS: Final = frozenset({"inbox"}) | _GMAIL


@dataclass(frozen=True, slots=True)
class Choice:
    """What a sync does with an account's folders."""

    fetch: tuple[Folder, ...]
    left_out: tuple[Folder, ...]
    missing: tuple[str, ...]
    """Folders that the account names and the server does not have."""
    elsewhere: tuple[Folder, ...] = ()
    """Gmail's labels: what they show is fetched from All Mail."""


def role_of(name: str, attributes: Sequence[str], delimiter: str) -> Role | None:
    """Tell what the folder NAME is for; ATTRIBUTES are those of LIST, lower case."""
    if name.upper() == "INBOX":  # RFC 3501, section 5.1: in any case of letters
        return "inbox"
    for attribute in attributes:
        if role := _ATTRIBUTES.get(attribute):
            return role
    path = name.split(delimiter) if delimiter else [name]
    if len(path) > 1 and fold(path[0]) in _ROOTS:
        path = path[1:]
    return _ROLES.get(fold(path[0])) if len(path) == 1 else None


def role_by_name(name: str) -> Role | None:
    """Tell what a folder is for where only its name is known, and not the server's delimiter."""
    return role_of(name, (), "/") or role_of(name, (), ".")


def choose(
    folders: Sequence[Folder],
    named: Sequence[str],
    *,
    others: bool = False,
    gmail: bool = False,
) -> Choice:
    """Choose the folders to fetch: those NAMED, else all but drafts, outbox and templates.

    Folders of other people are left out as well, unless OTHERS are wanted. Where GMAIL shows each
    message in a folder for each of its labels, All Mail holds every one, less those in the junk
    and the trash. The inbox comes first and views of everything, junk and trash last, so that a
    first sync that is interrupted has kept what matters.
    """
    selectable = [folder for folder in folders if folder.selectable]
    if named:
        by_name = {_key(folder.name): folder for folder in selectable}
        found = {key: by_name[key] for name in named if (key := _key(name)) in by_name}
        return Choice(
            fetch=tuple(found.values()),
            left_out=(),
            missing=tuple(name for name in named if _key(name) not in by_name),
        )
    left = {
        folder
        for folder in selectable
        if folder.role in LEFT_OUT or (folder.foreign and not others)
    }
    ours = [folder for folder in selectable if folder not in left]
    labels = _labels(ours) if gmail else set()
    return Choice(
        fetch=tuple(sorted((each for each in ours if each not in labels), key=_rank)),
        left_out=tuple(folder for folder in selectable if folder in left),
        missing=(),
        elsewhere=tuple(folder for folder in ours if folder in labels),
    )


def looks_like_gmail(folders: Sequence[Folder]) -> bool:
    """Tell from their names alone whether FOLDERS are Gmail's."""
    return any(
        folder.role == "all" and fold(folder.name.partition("/")[0]) in _GMAIL for folder in folders
    )


def _labels(folders: Sequence[Folder]) -> set[Folder]:
    """Return those of FOLDERS that only show what All Mail holds; none without an All Mail."""
    if not any(folder.role == "all" for folder in folders):
        return set()  # hidden from IMAP in Gmail's settings: then the labels are all there is
    return {folder for folder in folders if folder.role not in _LAST and not folder.foreign}


def fold(name: str) -> str:
    """Return NAME for comparing: lower case, without accents, one kind of apostrophe and space."""
    plain = unicodedata.normalize("NFKD", name).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def _key(name: str) -> str:
    # A name typed by a person on macOS is decomposed; INBOX is the only one without case.
    return "INBOX" if name.upper() == "INBOX" else unicodedata.normalize("NFC", name)


def _rank(folder: Folder) -> int:
    if folder.role == "inbox":
        return 0
    return 2 if folder.role in _LAST else 1
