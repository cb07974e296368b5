"""The graphs for Dataflow, built without credentials and without a network, and read as the service would get them."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from apache_beam import coders
from apache_beam.portability.api import beam_runner_api_pb2

BEAMS_OWN = ("ReadEntries/", "ReadTicks/", "ImpulseTicks/")
"""Composites of Beam: what is inside them is named and coded by Beam."""
PUBSUB_READ = "beam:transform:pubsub_read:v1"
GRAPHS = ("collect", "collect-impulse", "detect", "monitor", "monitor-impulse")
SINKS = {
    "PublishEntries/SendEntries": "entries",
    "PublishAlerts/SendAlerts": "alerts",
    "PublishFailures/SendFailures": "dead-letters",
    "PublishDetectFailures/SendFailures": "dead-letters",
}
STATE = {
    "Fold/ParDo(_Fold)": {
        "head": "StrUtf8Coder",
        **{f"snapshot_{n}": "BytesCoder" for n in (0, 1)},
        **{f"reports_{n}": "TupleCoder" for n in (0, 1)},
    },
    "PollShard/ParDo(_PollShard)": {"memory": "BytesCoder"},
}
each_graph = pytest.mark.parametrize("name", GRAPHS)


@pytest.fixture(scope="session")
def graphs(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("tests/deploy/graphs.py")


@pytest.fixture(scope="session")
def graph(graphs: ModuleType) -> Callable[[str], Any]:
    """A graph by its name, built once, with every way out of this machine closed."""

    def closed(*address: Any, **_: Any) -> Any:
        raise AssertionError(f"the graph was to be built offline, but something asked for {address}")

    @functools.cache
    def build(name: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", closed)
            patch.setattr(socket.socket, "connect", closed)
            patch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
            return graphs.Graph(name)

    return build


def ours(label: str) -> bool:
    return not label.startswith(BEAMS_OWN)


@each_graph
def test_is_a_streaming_job_in_our_container(graph: Callable[[str], Any], graphs: ModuleType, name: str) -> None:
    job = json.loads(graph(name).job.json())
    assert job["type"] == "JOB_TYPE_STREAMING"
    environments = graph(name).proto.components.environments.values()
    images = {beam_runner_api_pb2.DockerPayload.FromString(e.payload).container_image for e in environments}
    assert images == {graphs.IMAGE}


@each_graph
def test_labels_hold_nothing_that_changes_from_run_to_run(graph: Callable[[str], Any], name: str) -> None:
    changing = re.compile(r"lambda|0x[0-9a-f]+| at |[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{16,}|[0-9]{4,}")
    assert [label for label in graph(name).labels() if ours(label) and changing.search(label)] == []


def test_labels_are_those_of_running_jobs(graph: Callable[[str], Any], root: Path) -> None:
    """A label that changes breaks --update: Dataflow would not know which state belongs to which step.

    If the change is meant: `python tests/deploy/graphs.py > tests/deploy/labels.txt`, and give the old and new names to
    the update (docs/deploy.md, "Update").
    """
    known = (root / "tests/deploy/labels.txt").read_text(encoding="utf-8").splitlines()
    now = [f"{name}: {label}" for name in GRAPHS for label in graph(name).labels()]
    assert now == known, "\n".join(difflib.unified_diff(known, now, "labels.txt", "now", lineterm="", n=0))


def test_labels_are_the_same_in_every_build(graph: Callable[[str], Any], graphs: ModuleType) -> None:
    """labels.txt was written by another process, so this is about what one process remembers."""
    assert graphs.Graph("monitor").labels() == graph("monitor").labels()


@each_graph
def test_records_travel_as_rows(graph: Callable[[str], Any], name: str) -> None:
    """Pickled elements would tie a running job to one version of the code."""
    found = graph(name)
    coded = {(t.unique_name, tag): c for t in found.steps() if ours(t.unique_name) for tag, c in found.outputs(t).items()}
    records = {at: c for at, c in coded.items() if not isinstance(c, coders.TupleCoder) and at[0] != "Now"}
    assert len(records) >= 5
    assert {at: str(c) for at, c in records.items() if not isinstance(c, coders.RowCoder)} == {}


@each_graph
def test_steps_with_state_have_keys_that_are_always_coded_alike(graph: Callable[[str], Any], name: str) -> None:
    found = graph(name)
    stateful = {label for label, payload in found.pardos().items() if payload.state_specs}
    assert stateful
    for step in found.steps():
        if step.unique_name in stateful:
            (coder,) = found.inputs(step)
            assert isinstance(coder.key_coder(), coders.StrUtf8Coder)
            assert coder.key_coder().is_deterministic()
            assert isinstance(coder.value_coder(), (coders.RowCoder, coders.VarIntCoder))


@each_graph
def test_state_has_the_names_and_coders_of_running_jobs(graph: Callable[[str], Any], name: str) -> None:
    found = graph(name)
    state = {}
    for label, payload in found.pardos().items():
        for spec_name, spec in payload.state_specs.items():
            kind = spec.WhichOneof("spec")
            coder = spec.bag_spec.element_coder_id if kind == "bag_spec" else getattr(spec, kind).coder_id
            state.setdefault(label, {})[spec_name] = type(found.context.coders[coder]).__name__
    polls, folds = not name.startswith("detect"), not name.startswith("collect")
    expected = {step: specs for step, specs in STATE.items() if (polls if "Poll" in step else folds)}
    assert {"/".join(label.split("/")[-2:]): specs for label, specs in state.items()} == expected


@each_graph
def test_no_timer_runs_on_the_wall_clock(graph: Callable[[str], Any], name: str) -> None:
    wall_clock = beam_runner_api_pb2.TimeDomain.PROCESSING_TIME
    timers = [
        (label, timer)
        for label, payload in graph(name).pardos().items()
        for timer, spec in payload.timer_family_specs.items()
        if spec.time_domain == wall_clock
    ]
    assert timers == []


@pytest.mark.parametrize(
    ("name", "subscriptions"),
    [
        ("collect", ["collect"]),
        ("collect-impulse", []),
        ("detect", ["detect-ukraine"]),
        ("monitor", ["collect"]),
        ("monitor-impulse", []),
    ],
)
def test_messages_come_through_subscriptions_of_their_own(
    graph: Callable[[str], Any], name: str, subscriptions: list[str]
) -> None:
    parse = beam_runner_api_pb2.PubSubReadPayload.FromString
    read = [parse(step.spec.payload) for step in graph(name).steps() if step.spec.urn == PUBSUB_READ]
    assert [payload.subscription for payload in read] == [f"projects/example-project/subscriptions/{s}" for s in subscriptions]
    assert not any(payload.topic or payload.id_attribute or payload.timestamp_attribute for payload in read)


@each_graph
def test_every_topic_has_its_sink_and_none_is_beams(graph: Callable[[str], Any], name: str) -> None:
    found = graph(name)
    assert not any("pubsub_write" in step.spec.urn for step in found.steps())
    sinks = {label: found.dofn(label).topic for label in found.labels() if label in SINKS}
    assert sinks == {label: f"projects/example-project/topics/{SINKS[label]}" for label in sinks}
    topics = {topic.rpartition("/")[2] for topic in sinks.values()}
    expected = {"collect": {"entries", "dead-letters"}, "detect": {"alerts", "dead-letters"}}
    assert topics == expected.get(name.partition("-")[0], {"entries", "alerts", "dead-letters"})


@each_graph
def test_graph_is_small_enough_to_be_submitted(graph: Callable[[str], Any], name: str) -> None:
    """Dataflow refuses a job description of more than 10 MB; watches and known alert ids are part of it."""
    assert len(graph(name).job.json()) + graph(name).proto.ByteSize() < 5_000_000


def test_a_worker_can_load_every_step(graph: Callable[[str], Any], root: Path, tmp_path: Path) -> None:
    """In a process of its own that has not built the graph: what is pickled refers to nothing a worker does not have."""
    found = graph("monitor")
    payloads = {label: payload.do_fn.payload for label, payload in found.pardos().items()}
    for number, payload in enumerate(payloads.values()):
        (tmp_path / f"{number}.pickle").write_bytes(payload)
    code = (
        "import pathlib\n"
        "from apache_beam.internal import pickler\n"
        "for path in sorted(pathlib.Path().glob('*.pickle')):\n"
        "    print(type(pickler.loads(path.read_bytes())[0]).__name__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"_Fold", "_PollShard", "_Read", "_SendOnce"} <= set(done.stdout.split())
    assert len(done.stdout.split()) == len(payloads)
