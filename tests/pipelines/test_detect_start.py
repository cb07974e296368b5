"""Where a detector begins to read the log, and what its fold is told about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import a_watch

from pipelines.detect import DetectAlerts, _start
from transforms.checkpoints import Checkpoint

WATCH = a_watch()
POSITION = 1_588_420_800_000_000
CHECKPOINT = Checkpoint(b"state", POSITION, WATCH.config_hash)


@pytest.mark.parametrize(
    ("checkpoint", "begin", "mute_until", "log_from"),
    [
        pytest.param(None, None, 0, 0, id="without a checkpoint"),
        pytest.param(replace(CHECKPOINT, position=0), None, 0, 0, id="with a monitor's, which knows no log"),
        pytest.param(CHECKPOINT, POSITION, 0, POSITION, id="with its own"),
        pytest.param(replace(CHECKPOINT, config_hash="another"), None, POSITION, 0, id="with one of another configuration"),
        pytest.param(Checkpoint(b"", POSITION, ""), None, POSITION, 0, id="with one in another format"),
    ],
)
def test_a_detector_starts(checkpoint: Checkpoint | None, begin: int | None, mute_until: int, log_from: int) -> None:
    detect = DetectAlerts(WATCH)
    assert _start(checkpoint, WATCH, detect) == begin
    assert (detect.mute_until, detect.log_from) == (mute_until, log_from)
