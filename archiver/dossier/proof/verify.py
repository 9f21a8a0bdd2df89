#!/usr/bin/env python3
# ruff: noqa: B905, BLE001, D102, D103, E401, EXE001, I001, N818, PLC0207, PLR2004, PLW1510, RUF007
# ruff: noqa: S603, T201, UP - it stands alone, prints, and runs on Python 3.8 as it is
# mypy: disable-error-code="type-arg, no-any-return, method-assign, assignment"
"""Check the proof of one record: with Python 3.8 or newer alone, time-stamps also with openssl.

    python3 -I verify.py [FOLDER] [--key KEY] [--root SHA256]...

Give --key (the log's key or its SHA-256) and --root (SHA-256 of an authority's root certificate)
as you got them elsewhere: a folder cannot vouch for itself. Exit code: 0 all was checked and holds,
1 something is wrong, 2 nothing is wrong, but not all was checked, 64 no such option.
"""

from __future__ import annotations

import argparse, base64, datetime as dt, json, os, re, shutil, stat, subprocess, sys
from hashlib import sha256, sha512
from pathlib import Path

HASHES = "((?:[A-Za-z0-9+/]{43}=\n)*)"  # of the tree: base64, one a line
PEM = "-----BEGIN CERTIFICATE-----\n((?:.{64}\n)*.{1,64}\n)-----END CERTIFICATE-----\n"


class Unchecked(Exception):
    """Nothing is wrong with it, but it could not be checked."""


def need(holds: object, words: str, error: type = ValueError) -> None:
    if not holds:
        raise error(words)


def unbase64(text: str) -> bytes:
    need(base64.b64encode(base64.b64decode(text)).decode() == text, "base64 in another form")
    return base64.b64decode(text)


# The tree: RFC 9162, section 2.1, from the root down.
def roots(index: int, size: int, start: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Join START, the hash at INDEX, with PATH; return the roots up to INDEX and of all SIZE."""
    need(0 <= index < size and bool(path) == (size > 1), "a proof of the wrong length")
    if size == 1:
        return start, start
    half, other = 1 << (size - 1).bit_length() - 1, path[-1]  # the largest power of two below SIZE
    if index < half:
        old, new = roots(index, half, start, path[:-1])
        return old, sha256(b"\1" + new + other).digest()
    both = roots(index - half, size - half, start, path[:-1])
    return sha256(b"\1" + other + both[0]).digest(), sha256(b"\1" + other + both[1]).digest()


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
    values: list[tuple[int, bytes]] = []
    while data:
        start = 2 + max(0, data[1] - 128)  # 128 + n: the length stands in the next n bytes
        end = start + (int.from_bytes(data[2:start], "big") if start > 2 else data[1])
        need(data[1] != 128 and end <= len(data), "a time-stamp that is cut short")
        values, data = [*values, (data[0], data[start:end])], data[end:]
    return der(values[path[0]][1], *path[1:]) if path else values


class Proof:
    """The files of a folder, each read once, and what is known of them. No link is followed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.position, self.used = folder, -1, {"README.html", "verify.py"}
        self.files: dict[str, bytes] = {}
        self.notes: dict[str, tuple[int, bytes, str]] = {}  # checkpoint: its size, root and key
        for path in folder.rglob("*"):
            name, found = path.relative_to(folder).as_posix(), path.lstat()
            kind = stat.S_IFMT(found.st_mode) if os.access(path, os.R_OK) else None
            if kind == stat.S_IFREG and found.st_size <= 2**30:
                self.files[name] = path.read_bytes()
            elif kind != stat.S_IFDIR or not any(path.iterdir()):
                self.files[f"{name} (empty, too large or no plain file)"] = b""  # no check has it

    def names(self, form: str) -> list[str]:
        return sorted(filter(re.compile(form).fullmatch, self.files), key=lambda n: (len(n), n))

    def read(self, name: str) -> bytes:
        need(name in self.files, f"{name} is missing")
        self.used.add(name)
        return self.files[name]

    def digest(self, name: str) -> str:
        return sha256(self.read(name)).hexdigest()

    def match(self, name: str, form: str) -> tuple[str, ...]:
        found = re.fullmatch(form, self.read(name).decode())
        need(found, f"{name} is malformed or does not fit")
        return found.groups() if found else ()

    def checkpoint(self, name: str) -> str:
        """C2SP signed-note and tlog-checkpoint."""
        form = f"(([!-~]+)\n({name[12:-5]})\n([!-~]+)\n)\n\u2014 \\2 ([!-~]+)\n"
        text, origin, size, root, encoded = self.match(name, form)
        signature = unbase64(encoded)  # the first four bytes tell which key it is of
        form = f"(?:.+\n)*({re.escape(origin)}[+]{signature[:4].hex()}[+]([!-~]+))\n(?:.+\n)*"
        key, public = self.match("keys/log.vkey", form)
        check_signature(unbase64(public)[1:], text.encode(), signature[4:])
        self.notes[name] = int(size), unbase64(root), key
        return f"{size} entries, root {root}, signed by {key}"

    def consistency(self, older: str, newer: str) -> str:
        (old, old_root, _), (new, new_root, _) = self.notes[older], self.notes[newer]
        (path,) = self.match(f"consistency-{old}-{new}.txt", HASHES)
        whole = old & -old  # RFC 9162, 2.1.4: entries in the whole subtree that ends the older tree
        start, *rest = [old_root] * (old == whole) + [unbase64(line) for line in path.split()]
        found = roots(old // whole - 1, -(-new // whole), start, rest)
        need(found == (old_root, new_root), "earlier entries were changed in between")
        return "the later one only adds to the earlier one"

    def entry(self, name: str, proof: str = "") -> tuple:
        """Check a C2SP tlog-proof; return the entry, its position and its checkpoint's name."""
        form = f"c2sp.org/tlog-proof@v1\nindex (0|[1-9][0-9]{{0,17}})\n{HASHES}\n((?:.*\n)+)"
        index, path, note = self.match(proof or name[:-4] + "tlog-proof", form)
        holder = next((each for each in self.notes if self.files[each] == note.encode()), "")
        need(holder, "its checkpoint is not one of those in the folder that hold")
        leaf, (size, root, _) = sha256(b"\0" + self.read(name)).digest(), self.notes[holder]
        found = roots(int(index), size, leaf, [unbase64(line) for line in path.split()])
        need(found[1] == root, f"{name} is not included in the checkpoint")
        return json.loads(self.read(name)), int(index), holder

    def entries(self, folder: str) -> dict[int, dict]:
        """Check the entries in FOLDER, whose files bear their positions; return them by these."""
        names = self.names(f"{folder}/[0-9]+[.]json")
        found = {position: entry for entry, position, _ in map(self.entry, names)}
        need(names == [f"{folder}/{position}.json" for position in found], "a name is not its own")
        return found

    def record(self) -> str:
        entry, self.position, first = self.entry("entry.json", "record.tlog-proof")
        stated = "record", self.digest("record.eml"), len(self.read("record.eml"))
        need(stated == (entry["type"], entry["object"], entry["size"]), "not the entry's bytes")
        dated = self.names(f"stamps/{first[12:-5]}-.+[.]tsr")
        need(dated, f"it is in {first}, which no third party has dated yet", Unchecked)
        return f"entry {self.position} of {first}; their date is its date"

    def keys(self, given: str) -> str:
        found = self.entries("keys")
        keys = [entry["key"] for entry in found.values()]
        chain = [("key-rotate", previous) for previous in [None, *keys][:-1]]
        need([(e["type"], e["previous"]) for e in found.values()] == chain, "a key is left out")
        need("".join(f"{k}\n" for k in keys).encode() == self.read("keys/log.vkey"), "unannounced")
        for size, _, key in self.notes.values():
            need([found[at]["key"] for at in found if at < size][-1:] == [key], "not the key then")
        signers = [key for size, _, key in self.notes.values() if size > self.position]
        signers = [sha256(key.encode()).hexdigest() for key in signers] + signers
        need(given, f"whose key? give --key, or compare its SHA-256 {signers[0]}", Unchecked)
        need(given in signers, "signed with another key than --key")
        return "announced in the log; the key is the one that was given"

    def stamp(self, name: str, trusted: list[str]) -> str:
        note, answer = f"checkpoints/{name[7:].split('-')[0]}.note", self.read(f"{name}.tsr")
        stated = der(answer, 0, 1, 1, 0, 2, 1, 0, 0)  # TSTInfo: RFC 3161, section 2.4.2
        imprint, time = der(stated[2][1])[1][1].hex(), stated[4][1].decode()
        need(note in self.notes and imprint == self.digest(note), "of another checkpoint")
        entry, _, _ = self.entry(f"{name}.json")
        about = f"stamps/{entry['size']}-{entry['authority']}", entry["type"], entry["response"]
        need(about == (name, "anchor", self.digest(f"{name}.tsr")), "not what was journalled")
        root = sha256(unbase64(self.match(f"{name}.pem", PEM)[0].replace("\n", ""))).hexdigest()
        when = dt.datetime.strptime(f"{time[:14]}{time[-1]}+0000", "%Y%m%d%H%M%SZ%z")
        said, openssl = f"{note} existed at {when:%Y-%m-%d %H:%M:%S} UTC", shutil.which("openssl")
        if not openssl or self.folder in Path(openssl).resolve().parents:
            raise Unchecked(f"{said}, it says; its signature needs openssl, which is not here")
        about = ["-data", note, "-CAfile", f"{name}.pem", "-attime", f"{when.timestamp():.0f}"]
        command = [openssl, "ts", "-verify", "-in", f"{name}.tsr", *about]
        done = subprocess.run(command, capture_output=True, timeout=60, cwd=self.folder)
        why = f"{done.stderr[-400:]!a}"
        need(b"FAILED" not in done.stdout + done.stderr, f"openssl: {why}")
        need(done.returncode == 0, f"{said}, it says; openssl could not check it: {why}", Unchecked)
        need(root in trusted, f"{said}, if {root} is its authority's root: see --root", Unchecked)
        return said

    def origin(self) -> str:
        found = self.entries("origin")
        seen = {at: said["object"] for at, said in found.items() if said["type"] == "key-seen"}
        need(seen == {at: self.digest(f"origin/{at}.dns") for at in seen}, "a changed DNS answer")
        results = [said for at, said in found.items() if at not in seen]
        about = {(said["type"], said["record"]) for said in results}
        need(about <= {("origin", self.position)}, "of another record")
        signed = [each for said in results for each in [*said["signatures"], said["seal"]] if each]
        named = {key for each in signed for key in [each["key"], *each.get("keys", [])]} - {None}
        need(named == {*seen}, "DNS answers of other signatures")
        need(results, "nothing here tells who sent it", Unchecked)
        return f"signatures: {len(signed)}; key recorded only by the archive's owner: at most O2"

    def manifest(self, own: str) -> str:
        text = self.read(own).decode()
        names = sorted({*self.files} - {own})
        lines = [f"{sha256(self.files[name]).hexdigest()}  {name}\n" for name in names]
        wrong = {line[66:-1] for line in {*lines} ^ {*text.splitlines(keepends=True)}}
        need(text == "".join(lines), f"changed, missing or not listed: {sorted(wrong)!a}")
        need(self.used >= {*self.files}, f"no check covers {sorted({*self.files} - self.used)!a}")
        return f"SHA-256 {self.digest(own)}; README.html and verify.py only explain"


WORDS = "Everything holds.", "Something is wrong.", "Nothing is wrong, but not all was checked."
MOTS = "Tout concorde.", "Quelque chose ne concorde pas.", "Aucune erreur, examen incomplet."


def main(*arguments: str) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--key", default="", help="the log's key, or its SHA-256")
    parser.add_argument("--root", action="append", type=lambda r: r.replace(":", "").lower())
    parser.error = lambda words: parser.exit(64, f"{words}\n")  # not 2, which means something
    given = parser.parse_args(arguments or None)
    proof = Proof(given.folder.resolve())
    notes, stamps = map(proof.names, ["checkpoints/[1-9][0-9]*[.]note", "stamps/[!-~]+[.]tsr"])
    steps: list = [(name, proof.checkpoint, name) for name in notes]
    steps += [("consistency", proof.consistency, *pair) for pair in zip(notes, notes[1:])]
    steps += [("record", proof.record), ("keys", proof.keys, given.key), ("origin", proof.origin)]
    steps += [(name, proof.stamp, name[:-4], given.root or []) for name in stamps]
    steps += [("manifest", proof.manifest, "manifest-sha256.txt")]
    states = []
    for title, check, *about in steps:
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
    sys.exit(main())
