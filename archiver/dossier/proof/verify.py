#!/usr/bin/env python3
# ruff: noqa: B905, BLE001, D102, D103, E401, EXE001, I001, N818, PLC0207, PLR2004, PLW1510, RUF007
# mypy: disable-error-code="type-arg, no-any-return"
# ruff: noqa: S603, T201, UP - it stands alone, prints, and runs on Python 3.8 as it is
"""Check the proof of one record: with Python 3.8 or newer alone, time-stamps also with openssl.

    python3 -I verify.py [FOLDER] [--key KEY] [--root SHA256]...

Give --key (the log's key or its SHA-256) and --root (SHA-256 of an authority's root certificate)
as you got them elsewhere: a folder cannot vouch for itself. Exit code: 0 all was checked and holds,
1 something is wrong, 2 nothing is wrong, but something could not be checked.
"""

from __future__ import annotations

import argparse, base64, json, re, shutil, subprocess, sys
from datetime import datetime
from hashlib import sha256, sha512
from pathlib import Path


class Unchecked(Exception):
    """Nothing is wrong with it, but it could not be checked."""


def need(holds: object, words: str) -> None:
    if not holds:
        raise ValueError(words)


def unbase64(text: str) -> bytes:
    need(base64.b64encode(base64.b64decode(text)).decode() == text, "base64 in another form")
    return base64.b64decode(text)


# The tree: RFC 9162, section 2.1, from the root down.
def node(left: bytes, right: bytes) -> bytes:
    need(len(left) == len(right) == 32, "a hash of the tree that is not 32 bytes long")
    return sha256(b"\1" + left + right).digest()


def root_over(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root of SIZE leaves that inclusion PATH gives LEAF at INDEX (section 2.1.3)."""
    need(0 <= index < size and bool(path) == (size > 1), "an inclusion proof of the wrong length")
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1  # the largest power of two below SIZE
    if index < half:
        return node(root_over(leaf, index, half, path[:-1]), path[-1])
    return node(path[-1], root_over(leaf, index - half, size - half, path[:-1]))


def both_roots(old: int, new: int, path: list[bytes], known: bytes) -> tuple[bytes, bytes]:
    """Return the roots that consistency PATH gives both trees; KNOWN: the older one's (2.1.4)."""
    if old == new:
        need(len(path) == (0 if known else 1), "a consistency proof of the wrong length")
        return (known, known) if known else (path[0], path[0])
    half = 1 << (new - 1).bit_length() - 1
    if old <= half:
        first, second = both_roots(old, half, path[:-1], known)
        return first, node(second, path[-1])
    first, second = both_roots(old - half, new - half, path[:-1], b"")
    return node(path[-1], first), node(path[-1], second)


# Signatures: Ed25519, RFC 8032, section 5.1.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P)


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = D * a[0] * b[0] * a[1] * b[1]
    x, y = a[0] * b[1] + a[1] * b[0], a[1] * b[1] + a[0] * b[0]
    return x * pow(1 + product, -1, P) % P, y * pow(1 - product, -1, P) % P


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    rest = times(number >> 1, add(point, point)) if number else (0, 1)
    return add(rest, point) if number & 1 else rest


def decode_point(data: bytes) -> tuple[int, int]:
    y, odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    x = root if root * root % P == square else root * pow(2, (P - 1) // 4, P) % P
    need(len(data) == 32 and y < P and x * x % P == square and (x or not odd), "no curve point")
    return (x if x & 1 == odd else P - x), y


def check_signature(public: bytes, message: bytes, signature: bytes) -> None:
    s = int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < ORDER, "a signature of the wrong form")
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % ORDER
    base = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    right = add(decode_point(signature[:32]), times(k, decode_point(public)))
    need(times(s, base) == right, "the signature is not of this key and this checkpoint")


def der(data: bytes, *path: int) -> list[tuple[int, bytes]]:
    """Follow PATH into DER (X.690) and return the (tag, content) of each value there."""
    for place in path:
        data = der(data)[place][1]
    values: list[tuple[int, bytes]] = []
    while data:
        start = 2 + max(0, data[1] - 128)  # 128 + n: the length stands in the next n bytes
        end = start + (int.from_bytes(data[2:start], "big") if start > 2 else data[1])
        need(data[1] != 128 and end <= len(data), "a time-stamp that is cut short")
        values, data = [*values, (data[0], data[start:end])], data[end:]
    return values


class Proof:
    """The files of a folder, each read once, and what is known of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, found = folder, [path for path in folder.rglob("*") if path.is_file()]
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
        self.used = {"README.html", "verify.py"}  # explanations, no evidence
        self.notes: dict[str, tuple[int, bytes, str]] = {}  # checkpoint: its size, root and key

    def names(self, form: str) -> list[str]:
        return sorted(filter(re.compile(form).fullmatch, self.files), key=lambda n: (len(n), n))

    def read(self, name: str) -> bytes:
        need(name in self.files, f"{name} is missing")
        self.used.add(name)
        return self.files[name]

    def match(self, name: str, form: str) -> tuple[str, ...]:
        found = re.fullmatch(form, self.read(name).decode())
        need(found, f"{name} is malformed")
        return found.groups() if found else ()

    def checkpoint(self, name: str) -> str:
        """C2SP signed-note and tlog-checkpoint."""
        form = f"(([!-~]+)\n({name[12:-5]})\n([!-~]+)\n)\n\u2014 \\2 ([!-~]+)\n"
        text, origin, size, root, encoded = self.match(name, form)
        (keys,), signature = self.match("keys/log.vkey", "((?:[!-~]+\n)+)"), unbase64(encoded)
        key = next((line for line in keys.splitlines() if f"+{signature[:4].hex()}+" in line), "")
        public = unbase64(key.split("+", 2)[-1])
        need(sha256(f"{origin}\n".encode() + public).digest()[:4] == signature[:4], "unknown key")
        check_signature(public[1:], text.encode(), signature[4:])
        self.notes[name] = int(size), unbase64(root), key
        return f"{size} entries, root {root}, signed by {key}"

    def consistency(self, older: str, newer: str) -> str:
        (old, old_root, _), (new, new_root, _) = self.notes[older], self.notes[newer]
        (text,) = self.match(f"consistency-{old}-{new}.txt", "((?:.+\n)+)")
        roots = both_roots(old, new, [unbase64(line) for line in text.splitlines()], old_root)
        need(roots == (old_root, new_root), "earlier entries were changed in between")
        return "the later one only adds to the earlier one"

    def entry(self, name: str, proof: str = "") -> tuple:
        """Check a C2SP tlog-proof; return the entry, its position and its checkpoint's name."""
        form = "c2sp.org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,17})\n((?:.+\n)*)\n((?:.*\n)+)"
        index, path, note = self.match(proof or name[:-4] + "tlog-proof", form)
        holder = next((each for each in self.notes if self.files[each] == note.encode()), "")
        need(holder, "its checkpoint is not one of those in the folder that hold")
        leaf, (size, root, _) = sha256(b"\0" + self.read(name)).digest(), self.notes[holder]
        found = root_over(leaf, int(index), size, [unbase64(line) for line in path.splitlines()])
        need(found == root, f"{name} is not included in the checkpoint")
        return json.loads(self.files[name]), int(index), holder

    def record(self) -> str:
        entry, self.position, self.first = self.entry("entry.json", "record.tlog-proof")
        data, stated = self.read("record.eml"), (entry["type"], entry["object"], entry["size"])
        need(stated == ("record", sha256(data).hexdigest(), len(data)), "not the entry's bytes")
        if not self.names(f"stamps/{self.first[12:-5]}-.+tsr"):
            raise Unchecked(f"it is in {self.first}, which no third party has dated yet")
        return f"entry {self.position} of {self.first}; their date is its date"

    def keys(self, given: str) -> str:
        keys = [self.entry(name)[0]["key"] for name in self.names("keys/[0-9]+[.]json")]
        need("".join(f"{k}\n" for k in keys).encode() == self.read("keys/log.vkey"), "unannounced")
        signers = [key for size, _, key in self.notes.values() if size > self.position]
        signers += [sha256(key.encode()).hexdigest() for key in signers]
        if not given:
            raise Unchecked(f"whose key it is: give --key, or compare its SHA-256 {signers[-1]}")
        need(given in signers, "signed with another key than --key")
        return "announced in the log; the key is the one that was given"

    def stamp(self, name: str, roots: list[str]) -> str:
        note, answer = f"checkpoints/{name[7:].split('-')[0]}.note", self.read(f"{name}.tsr")
        stated = der(answer, 0, 1, 1, 0, 2, 1, 0, 0)  # TSTInfo: RFC 3161, section 2.4.2
        need(der(stated[2][1])[1][1] == sha256(self.read(note)).digest(), "of another checkpoint")
        ((tag, asked),) = der(self.read(f"{name}.tsq"))  # the last value: "send certificates"
        need(tag == 48 and {*der(asked)} <= {*stated, (1, b"\xff")}, "it answers something else")
        if f"{name}.json" in self.files:
            digest = self.entry(f"{name}.json")[0]["response"]
            need(digest == sha256(answer).hexdigest(), "not the answer that was journalled")
        form = "-----BEGIN CERTIFICATE-----\n((?:.+\n)+)-----END CERTIFICATE-----\n"
        root = sha256(unbase64(self.match(f"{name}.pem", form)[0].replace("\n", ""))).hexdigest()
        when = datetime.strptime(f"{stated[4][1][:14].decode()}+0000", "%Y%m%d%H%M%S%z")
        said, openssl = f"{note} existed at {when:%Y-%m-%d %H:%M:%S} UTC", shutil.which("openssl")
        if not openssl or Path(openssl).resolve().parent == self.folder:
            raise Unchecked(f"{said}, it says; its signature needs openssl, which is not here")
        command = [openssl, "ts", "-verify", "-attime", f"{when.timestamp():.0f}", "-data", note]
        command += ["-CAfile", f"{name}.pem", "-in", f"{name}.tsr"]
        done = subprocess.run(command, capture_output=True, timeout=60, cwd=self.folder)
        need(b"FAILED" not in done.stdout + done.stderr, f"openssl: {done.stderr[-400:]!a}")
        if done.returncode:  # not every openssl knows -attime
            raise Unchecked(f"{said}, it says; openssl could not check it: {done.stderr[-400:]!a}")
        if root not in roots:
            raise Unchecked(f"{said}, if its authority's root is {root}: compare, or give --root")
        return said

    def origin(self) -> str:
        entries = [(name, *self.entry(name)) for name in self.names("origin/[0-9]+[.]json")]
        keys = [each for each in entries if each[1]["type"] == "key-seen"]
        for name, entry, _, _ in keys:
            answer = sha256(self.read(f"{name[:-4]}dns")).hexdigest()
            need(answer == entry["object"], "not the DNS answer that was journalled")
        results = [entry for _, entry, _, _ in entries if entry["type"] != "key-seen"]
        need(all(each["record"] == self.position for each in results), "of another record")
        signed = [each for said in results for each in [*said["signatures"], said["seal"]] if each]
        named = {key for each in signed for key in [each["key"], *each.get("keys", [])]} - {None}
        need(named == {position for _, _, position, _ in keys}, "DNS answers of other signatures")
        if not results:
            raise Unchecked("nothing was journalled about who sent it")
        return f"signatures: {len(signed)}; key recorded only by the archive's owner: at most O2"

    def manifest(self) -> str:
        text = self.read("manifest-sha256.txt").decode()
        files = {n: data for n, data in self.files.items() if n != "manifest-sha256.txt"}
        lines = [f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
        wrong = {line[66:-1] for line in set(lines) ^ set(text.splitlines(keepends=True))}
        need(text == "".join(lines), f"changed, missing or not listed: {sorted(wrong)!a}")
        need(self.used >= {*files}, f"no check covers {sorted({*files} - self.used)!a}")
        return f"SHA-256 {sha256(text.encode()).hexdigest()}; README.html, verify.py only explain"


WORDS = "Everything holds.", "Something is wrong.", "Nothing is wrong, but not all was checked."
MOTS = "Tout concorde.", "Quelque chose ne concorde pas.", "Aucune erreur, examen incomplet."


def main(*arguments: str) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--key", default="", help="the log's key, or its SHA-256")
    parser.add_argument("--root", action="append", type=lambda r: r.replace(":", "").lower())
    given = parser.parse_args(arguments or None)
    proof = Proof(given.folder.resolve())
    notes, stamps = proof.names("checkpoints/[0-9]+[.]note"), proof.names("stamps/[!-~]+tsr")
    steps: list = [(name, proof.checkpoint, name) for name in notes]
    steps += [("consistency", proof.consistency, *pair) for pair in zip(notes, notes[1:])]
    steps += [("record", proof.record), ("keys", proof.keys, given.key), ("origin", proof.origin)]
    steps += [(name, proof.stamp, name[:-4], given.root or []) for name in stamps]
    states = []
    for title, check, *about in [*steps, ("manifest", proof.manifest)]:
        try:
            state, words = "OK", check(*about)
        except Exception as reason:  # whatever it is, the files are not as they should be
            state, words = "NOT CHECKED" if isinstance(reason, Unchecked) else "FAILED", reason
        states.append(state)
        print(f"{state:12}{title}: {words}")
    outcome = 1 if "FAILED" in states else 2 if "NOT CHECKED" in states else 0
    print(MOTS[outcome] + "\n" + WORDS[outcome])
    return outcome


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as reason:
        sys.exit(f"Something is wrong: the folder cannot be read. {reason!a}")
