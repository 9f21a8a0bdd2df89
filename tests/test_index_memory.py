"""The engine in memory meets the contract."""

import pytest
from engine_contract import EngineContract

from index.memory_engine import MemoryEngine


class TestMemoryEngine(EngineContract):
    """All of the contract, in memory."""

    @pytest.fixture
    def engine(self) -> MemoryEngine:
        """Give an empty engine."""
        return MemoryEngine()
