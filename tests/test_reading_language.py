"""French is told from English by a vote of small words."""

import pytest

from archiver.reading.language import language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nous vous confirmons que le rapport est dans les délais.", "fr"),
        ("We confirm that the report will be ready by then.", "en"),
        ("Bonjour, merci pour votre retour, cordialement", "fr"),
        (
            "> We will deliver it to you on the day\n> that was agreed\nNous ne pouvons pas accepter cela, le prix est trop haut.",
            "fr",
        ),
        ("OK", ""),
        ("", ""),
        ("1234 5678 @@@", ""),
        ("Wir haben den Bericht noch nicht erhalten und warten auf Ihre Antwort.", ""),
        ("the le the le the le", ""),
    ],
)
def test_the_language_is_voted(text: str, expected: str) -> None:
    """Undecided is empty."""
    assert language(text) == expected


def test_only_quotes_are_voted_when_there_is_nothing_else() -> None:
    """A forwarded text still has a language."""
    assert language("ok\n> Nous vous confirmons que le rapport est dans les délais.") == "fr"
