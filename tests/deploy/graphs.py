"""The graphs as they are handed to Dataflow, built offline; `python tests/deploy/graphs.py` prints what labels.txt holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext

from pipelines import collect, detect, monitor
from pipelines.options import feeds_file, topics_of
from pipelines.running import pin_runner
from pipelines.usage import watch_directory
from schemas.watch import load_watch

PROJECT = "projects/example-project"
IMAGE = "europe-west1-docker.pkg.dev/example-project/vedette/vedette:1"
OPTIONS = [
    "--runner=DataflowRunner",
    "--project=example-project",
    "--region=europe-west1",
    "--temp_location=gs://example-bucket/temp",
    "--staging_location=gs://example-bucket/staging",
    "--job_name=vedette",
    "--watch=ukraine",
    f"--sdk_container_image={IMAGE}",
    "--dry_run=True",
]
GRAPHS = ("collect", "collect-impulse", "detect", "monitor", "monitor-impulse")
PARDO = "beam:transform:pardo:v1"


class Graph:
    """One pipeline, as DataflowRunner would submit it. `proto` is what it would send, `job` its description."""

    def __init__(self, name: str) -> None:
        pipeline_name, _, ticks = name.partition("-")
        self.options = PipelineOptions([*OPTIONS, f"--ticks={ticks or 'pubsub'}"])
        pin_runner(self.options)
        pipeline = beam.Pipeline(options=self.options)
        {"collect": _collect, "detect": _detect, "monitor": _monitor}[pipeline_name](pipeline, self.options)
        self.job = pipeline.runner.run_pipeline(pipeline, self.options).job
        self.proto = pipeline.runner.proto_pipeline
        self.context = PipelineContext(self.proto.components)

    def labels(self) -> list[str]:
        """The full label of each step, sorted; composites, whose labels are beginnings of others, are left out."""
        return sorted(t.unique_name for t in self.steps())

    def steps(self) -> Iterator[Any]:
        return (t for t in self.proto.components.transforms.values() if not t.subtransforms and t.spec.urn)

    def outputs(self, step: Any) -> dict[str, Any]:
        """The coder of each output of a step."""
        collections = self.proto.components.pcollections
        return {tag: self.context.coders[collections[id_].coder_id] for tag, id_ in step.outputs.items()}

    def inputs(self, step: Any) -> list[Any]:
        """The coder of each input of a step."""
        collections = self.proto.components.pcollections
        return [self.context.coders[collections[id_].coder_id] for id_ in step.inputs.values()]

    def pardos(self) -> dict[str, Any]:
        """The payload of each ParDo under its label."""
        parse = beam_runner_api_pb2.ParDoPayload.FromString
        return {t.unique_name: parse(t.spec.payload) for t in self.steps() if t.spec.urn == PARDO}

    def dofn(self, label: str) -> Any:
        """The DoFn of a step, unpickled as a worker would do it."""
        return pickler.loads(self.pardos()[label].do_fn.payload)[0]


def _collect_config(options: PipelineOptions) -> collect.CollectConfig:
    view = options.get_all_options()
    subscription = f"{PROJECT}/subscriptions/collect" if view["ticks"] == "pubsub" else ""
    feeds = collect.collect_entries(options, feeds_file(options))
    return collect.CollectConfig(topics_of(options), subscription, view["tick_every"], feeds)


def _collect(pipeline: beam.Pipeline, options: PipelineOptions) -> None:
    collect.build_pipeline(pipeline, _collect_config(options))


def _detect(pipeline: beam.Pipeline, options: PipelineOptions) -> None:
    watch = load_watch(watch_directory("ukraine"))
    topics = topics_of(options)
    composite = detect.detect_alerts(options, watch)
    subscription = f"{PROJECT}/subscriptions/detect-ukraine"
    config = detect.DetectConfig(watch, subscription, topics.alerts, topics.dead_letters, frozenset(), composite)
    detect.build_pipeline(pipeline, config)


def _monitor(pipeline: beam.Pipeline, options: PipelineOptions) -> None:
    watch = load_watch(watch_directory("ukraine"))
    config = monitor.MonitorConfig(watch, _collect_config(options), detect.detect_alerts(options, watch))
    monitor.build_pipeline(pipeline, config)


if __name__ == "__main__":
    for name in sys.argv[1:] or GRAPHS:
        for label in Graph(name).labels():
            print(f"{name}: {label}")
