"""Fixtures that several rooms share."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dovecot as dovecot_server
import pytest
from hypothesis import settings

# The quick run tries the same examples each time, so that it says something of a change and not of
# chance; `make test-all` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("searching", print_blob=True)
settings.load_profile("searching" if os.environ.get("ARCHIVER_SEARCHING") else "repeatable")

# Before any command runs, here or in a process of its own: no DNS, no time-stamp authority, and
# nothing remembered where the user who runs the tests keeps it.
os.environ["ARCHIVER_OFFLINE"] = "1"
if "ARCHIVER_STATE" not in os.environ:
    os.environ["ARCHIVER_STATE"] = tempfile.mkdtemp(prefix="archiver-tests-state-")


@pytest.fixture(scope="session")
def _dovecot() -> Iterator[dovecot_server.DovecotServer]:
    """Start one Dovecot for the whole run, or skip by name where there is none."""
    if reason := dovecot_server.missing():
        pytest.skip(reason)
    with dovecot_server.DovecotServer() as server:
        yield server


@pytest.fixture
def dovecot(_dovecot: dovecot_server.DovecotServer) -> dovecot_server.DovecotServer:
    """Return the running Dovecot; take ``mailbox_user`` for a user of the test's own."""
    return _dovecot


@pytest.fixture
def mailbox_user() -> str:
    """Name a mailbox user that no other test has."""
    return f"user-{uuid4().hex[:12]}"


@pytest.fixture
def corpora() -> Path:
    """Return the folder of the shared corpora, or skip where they are not named."""
    named = os.environ.get("ARCHIVER_CORPORA")
    if not named:
        pytest.skip("ARCHIVER_CORPORA names no folder of corpora")
    return Path(named)
