"""Keep: bytes become durable and journalled before anything tries to understand them."""

from archiver.pipeline.counts import Intake, Problem
from archiver.pipeline.intake import keep_batch
from archiver.pipeline.sync import sync_account

__all__ = ["Intake", "Problem", "keep_batch", "sync_account"]
