"""What deploy.py is told on its command line, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from resources import Place, own

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this is a script: its own folder is all that Python looks into

from pipelines.topics.declaration import DEFAULT_FILE, read_declaration  # noqa: E402
from schemas.config import ConfigError  # noqa: E402

METADATA = Path(__file__).with_name("metadata.json")
PIPELINES = ("monitor", "collect", "detect")
NAMES = {
    "project": (r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "the id of your Google Cloud project (`gcloud projects list`)"),
    "region": (r"[a-z]+-[a-z]+[0-9]+", "a Dataflow region, e.g. europe-west1 (`gcloud compute regions list`)"),
    "bucket": (r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "the name of a Cloud Storage bucket, without gs://"),
}
TOPICS = {"entries": "entries", "alerts": "alerts", "dead_letters": "dead-letters", "fetches": "fetches"}
COMMANDS = {
    "infrastructure": "make bucket, repository, service account, topics and permissions (once)",
    "template": "build the image and the flex template (for each version)",
    "deploy": "run the template as a streaming job, or update it",
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="deploy.py", description="Vedette on Dataflow. docs/deploy.md explains it.")
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        for option, (_, meaning) in NAMES.items():
            sub.add_argument(f"--{option}", default="", help=meaning)
        sub.add_argument("--watch", default="watches/ukraine", help="folder under watches/ (default: watches/ukraine)")
        pipelines = "monitor: all in one job; collect feeds any number of detect, one for each watch (default: monitor)"
        sub.add_argument("--pipeline", choices=PIPELINES, default="monitor", help=pipelines)
        sub.add_argument("--job-name", default="", help="default: vedette-PIPELINE-WATCH, vedette-collect")
        sub.add_argument("--tag", default="", help="tag of the image (default: commit and time)")
        sub.add_argument("--machine-type", default="n2-standard-2", help="of the workers (default: n2-standard-2)")
        sub.add_argument("--max-workers", type=int, default=2, help="how far the job may grow (default: 2)")
        sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of metadata.json; repeat")
        sub.add_argument("--update", action="store_true", help="replace the running job of that name and keep its state")
        index = os.environ.get("TORCH_INDEX", "")
        sub.add_argument("--torch-index", default=index, help="package index of a smaller torch (default: $TORCH_INDEX)")
        sub.add_argument("--topics", default="", metavar="FILE", help="topics and subscriptions (default: deploy/topics.yaml)")
        sub.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    return top


def wrong(args: argparse.Namespace) -> list[str]:
    """What is missing or wrong on the command line, all of it."""
    problems = []
    for name, (pattern, meaning) in NAMES.items():
        value = getattr(args, name)
        if not value:
            problems.append(f"{name.upper()} is not given: --{name} (make {args.command} {name.upper()}=...), {meaning}")
        elif not re.fullmatch(pattern, value):
            problems.append(f"{name.upper()}={value} cannot be: {meaning}")
    settings = settings_of(args)
    watch = ROOT / "watches" / Path(args.watch).name
    polls = args.command == "deploy" and args.pipeline != "detect"
    if not (watch / "watch.yaml").is_file():
        problems.append(f"WATCH={args.watch}: there is no watches/{watch.name}/watch.yaml, which is where the image has it from")
    elif polls and "feeds" not in settings and not (watch / "feeds.opml").is_file():
        problems.append(f"WATCH={args.watch} has no feeds.opml: give --set feeds=gs://BUCKET/FEEDS.opml")
    known = {p["name"] for p in json.loads(METADATA.read_text(encoding="utf-8"))["parameters"]}
    problems += [f"--set {s}: give NAME=VALUE" for s in args.set if "=" not in s]
    problems += [
        f"--set {n}=...: the template has no such parameter, see deploy/metadata.json" for n in settings if n not in known
    ]
    problems += undeclared(args)
    if args.max_workers < 1:
        problems.append(f"--max-workers {args.max_workers}: give 1 or more")
    return problems


def undeclared(args: argparse.Namespace) -> list[str]:
    """Topics and subscriptions that the pipeline is told to use and that nobody would make."""
    try:
        declared = read_declaration(Path(args.topics) if args.topics else DEFAULT_FILE)
    except ConfigError as e:
        return [f"--topics {args.topics}: {e}"]
    place = place_of(args)
    file = args.topics or "deploy/topics.yaml"
    absent = [f"topic {name}" for name in own(place.topics) if not declared.topic(name)]
    absent += [f"subscription {name}" for name in own(place.subscriptions) if not declared.subscription(name)]
    return [f"{what} is not declared in {file}: add it to a copy, and give --topics COPY" for what in absent]


def settings_of(args: argparse.Namespace) -> dict[str, str]:
    """The template's parameters that were given with --set."""
    return {name: value for name, is_pair, value in (s.partition("=") for s in args.set) if is_pair}


def place_of(args: argparse.Namespace) -> Place:
    settings = settings_of(args)
    entries, alerts, dead, fetches = (settings.get(f"{name}_topic", default) for name, default in TOPICS.items())
    return Place(
        project=args.project,
        region=args.region,
        bucket=args.bucket,
        watch=Path(args.watch).name,
        pipeline=args.pipeline,
        job=args.job_name,
        tag=args.tag or default_tag(),
        topics=(entries, alerts, dead, fetches),
        subscription=settings.get("entries_subscription", ""),
        topics_file=args.topics,
    )


def default_tag() -> str:
    """The commit and the time. Never one tag for two images: a job that grows would pull the other one."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        done = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return now
    return f"{done.stdout.strip()}-{now}"
