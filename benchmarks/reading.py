"""Measure the reader by itself: how fast it reads, and how much memory one large message takes.

    python benchmarks/reading.py FOLDER [--messages N] [--large MB]

FOLDER holds one message a file. Processor time only; the files are read before the clock starts.
Then one message of that many MB, an attachment in base64, is read and its attachment decoded, each
in a process of its own; peak memory counts everything, the message and Python included.
"""

import argparse
import base64
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archiver.reading import decode_attachment, normal_form, read

_MB = 1_000_000
_KEPT_AT_ONCE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--large", type=int, default=80)
    options = parser.parse_args()
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    time_reading(files[: options.messages])
    measure("an empty process", 0, _nothing)
    measure("read", options.large, read)
    measure("normal form", options.large, normal_form)
    measure("one attachment", options.large, _decode)


def time_reading(files: list[Path]) -> None:
    """Print how many of FILES are read in a second of processor time."""
    spent, size = 0.0, 0
    for start in range(0, len(files), _KEPT_AT_ONCE):
        mails = [path.read_bytes() for path in files[start : start + _KEPT_AT_ONCE]]
        begun = time.process_time()
        for data in mails:
            read(data)
        spent += time.process_time() - begun
        size += sum(map(len, mails))
    if files:
        rate, share = len(files) / spent, size / spent / _MB
        print(f"{len(files)} messages: {rate:.0f} a second, {share:.1f} MB a second")


def measure(what: str, megabytes: int, use: Callable[[bytes], object]) -> None:
    """Print the peak memory of a fresh process that does USE with a message of MEGABYTES."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_measured, args=(megabytes, use, answers))
    process.start()
    before, peak = answers.get()
    process.join()
    print(f"{what}, {megabytes} MB: {before} MB before, {peak} MB at its peak")


def _measured(
    megabytes: int,
    use: Callable[[bytes], object],
    answers: "multiprocessing.Queue[tuple[int, int]]",
) -> None:
    data = large(megabytes)
    before = _peak()
    use(data)
    answers.put((before, _peak()))


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // _MB


def large(megabytes: int) -> bytes:
    """Return a message of so many MB; nearly all of it is one attachment."""
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    return b"".join(
        [
            b"From: a@x.example\r\nSubject: Scan\r\nMIME-Version: 1.0\r\n",
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n',
            b"--b\r\nContent-Type: text/plain\r\n\r\nSee the scan.\r\n",
            b"--b\r\nContent-Type: image/tiff; name=scan.tif\r\n",
            b"Content-Transfer-Encoding: base64\r\n\r\n",
            line * (megabytes * _MB // len(line)),
            b"--b--\r\n",
        ]
    )


def _decode(data: bytes) -> object:
    return decode_attachment(data, "2")


def _nothing(_data: bytes) -> None:
    """Only be there."""


if __name__ == "__main__":
    main()
