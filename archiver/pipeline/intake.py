"""Keep a batch, and count what became of it."""

from collections.abc import Sequence

from archiver.evidence.store import Evidence
from archiver.model.incoming import Incoming, Kept
from archiver.pipeline.counts import Intake, Problem

__all__ = ["Intake", "Problem", "keep_batch"]


def keep_batch(
    evidence: Evidence, incoming: Sequence[Incoming], intake: Intake
) -> tuple[Kept, ...]:
    """Keep a batch durably, count in INTAKE what became of it, and return that.

    Large writings of the batch are used up, however this ends.
    """
    try:
        done = evidence.keep(incoming)
    finally:
        for each in incoming:
            each.forget()
    for kept in done:
        if kept.new:
            intake.new += 1
        elif kept.sighted:
            intake.seen_again += 1
        else:
            intake.known += 1
    return done
