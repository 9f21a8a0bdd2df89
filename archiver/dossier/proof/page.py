"""The page that tells how to check a proof, French and English."""

from datetime import UTC

from archiver.dossier.exhibits import Language
from archiver.dossier.pages import render, render_part, translations
from archiver.dossier.proof.values import Proof


def render_page(proof: Proof, *, language: Language) -> str:
    """Render ``README.html``; LANGUAGE comes first. The same proof makes the same page."""
    order: tuple[Language, Language] = ("fr", "en") if language == "fr" else ("en", "fr")
    parts = [
        render_part(
            "proof-part.html",
            {"proof": proof, "language": each},
            words=translations(each),
            zone=UTC,
        )
        for each in order
    ]
    return render(
        "proof.html",
        {"proof": proof, "language": order[0], "parts": parts},
        words=translations(order[0]),
        zone=UTC,
    )
