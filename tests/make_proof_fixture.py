"""Make the proof that a release leaves behind for tests/test_proof_releases.py.

    python tests/make_proof_fixture.py VERSION

Run it once for a release, with the checkout importable, and commit the folder. What it makes is
never made again: the point is that later versions still read it. All names are fictional.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from authority import LocalAuthority
from proofs import House, pinned

from archiver.dossier.proof.folder import write

RELEASES = Path(__file__).resolve().parent / "fixtures" / "proofs"


def make(version: str) -> Path:
    """Export a small proof with two authorities' stamps and a key that was changed."""
    place = RELEASES / version / "delivery"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "tsa").mkdir()
        (folder / "house").mkdir()
        house = House(folder / "house", LocalAuthority(folder / "tsa"), signer="rsa")
        (record,) = house.keep(
            "Delivery of the portal", text="We accept the delivery of 2 March.\n"
        )
        house.originate(record)
        house.stamp("first", "second")
        house.keep("Another matter")
        house.rotate()
        house.keep("A third matter")
        house.stamp("first")
        house.keep("Not dated yet")
        house.sign()
        proof = house.prove(record)
        write(proof, place, language="en")
        house.evidence.close()
    _key, key, *roots = pinned(proof)
    pins = {"key": key, "roots": [root for root in roots if root != "--root"]}
    place.with_suffix(".json").write_text(json.dumps(pins, indent=2) + "\n", "utf-8")
    return place


if __name__ == "__main__":
    print(make(sys.argv[1]))  # noqa: T201 - a script
