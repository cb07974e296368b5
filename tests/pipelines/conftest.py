"""What a backtest with the real model says of a few recorded entries."""

from __future__ import annotations

import pytest
from backtesting import EDIT, ENTRIES, REPLAY, UNREADABLE, Results, run_backtest


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A backtest of all of the entries, unordered."""
    lines = [*reversed(ENTRIES), EDIT, REPLAY, b"", b"   ", *UNREADABLE]
    return run_backtest(tmp_path_factory.mktemp("backtest"), lines)
