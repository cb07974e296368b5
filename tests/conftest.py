"""What all tests share: hypothesis without deadlines, for the machine may be busy, and an embedded Pub/Sub."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from cloud import PROJECT, Cloud
from hypothesis import HealthCheck, settings

import localpubsub

settings.register_profile("vedette", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vedette")


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An embedded Pub/Sub that the environment points to, with official clients on it."""
    with localpubsub.Server() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
        cloud = Cloud(server)
        yield cloud
        cloud.close()


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    """A command sets the levels of our loggers, for the whole process."""
    ours = [logging.getLogger(name) for name in ("pipelines", "transforms", "schemas", "localpubsub")]
    levels = [logger.level for logger in ours]
    yield
    for logger, level in zip(ours, levels, strict=True):
        logger.setLevel(level)
