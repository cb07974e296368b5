"""Put Vedette on Dataflow with gcloud: `infrastructure` once, `template` for each version, `deploy` for each job.

Each command first looks for everything it needs and says all that is missing together with what mends it (exit 2); then it
prints each command and runs it (exit 1 if one fails). `--dry-run` prints them and runs none. docs/deploy.md tells the rest.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import resources
from arguments import METADATA, ROOT, parser, place_of, settings_of, wrong
from gcloud import Gcloud, GcloudError, line
from resources import Place, Resource


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    gcloud = Gcloud(args.dry_run)
    problems = wrong(args)
    if not args.dry_run and not gcloud.installed():
        problems.append("gcloud is not installed: https://cloud.google.com/sdk/docs/install")
    if problems:
        return refuse(problems)
    place = place_of(args)
    try:
        if not args.dry_run:
            account = gcloud.ask(["auth", "list", "--filter=status:ACTIVE", "--format=value(account)"])
            if not account.output:
                return refuse(["gcloud is not logged in (so the project could not be looked at):\n    gcloud auth login"])
        return {"infrastructure": infrastructure, "template": template, "deploy": deploy}[args.command](args, place, gcloud)
    except GcloudError as e:
        print(f"\n{e}", file=sys.stderr)
        return 1


def infrastructure(args: argparse.Namespace, place: Place, gcloud: Gcloud) -> int:
    """Make what is missing, grant what is needed. A second run changes nothing."""
    services = list(resources.SERVICES)
    if not gcloud.dry_run:
        enabled = gcloud.ask(resources.services_question(place))
        if enabled.found is None:
            return refuse([f"project {place.project} could not be looked at: {enabled.error}"])
        if not gcloud.ask(["auth", "application-default", "print-access-token"]).found:
            login = "    gcloud auth application-default login"
            return refuse([f"topics are made by vedette itself, which has no credentials on this machine yet:\n{login}"])
        services = [s for s in services if s not in enabled.output.split()]
    if services:
        gcloud.run(resources.enable(place, services))
    needed = resources.storage(place) + resources.account(place)
    if place.pipeline == "detect":
        needed.append(resources.reader_role(place))
    absent, problems = (needed, []) if gcloud.dry_run else look(gcloud, needed)
    if problems:
        return refuse(problems)
    for resource in absent:
        gcloud.run(resource.make)
    vedette(resources.topics_command(place), gcloud.dry_run)
    for grant in resources.grants(place):
        gcloud.run(grant)
    if gcloud.dry_run:
        return _only_printed()
    print(f"\nReady: make template PROJECT={place.project} REGION={place.region} BUCKET={place.bucket}")
    return 0


def template(args: argparse.Namespace, place: Place, gcloud: Gcloud) -> int:
    """Build the image with Cloud Build and write the template that points at it."""
    if not gcloud.dry_run:
        problems = missing(gcloud, place, resources.storage(place))
        if problems:
            return refuse(problems)
    project = f"--project={place.project}"
    substitutions = f"_IMAGE={place.image},_TORCH_INDEX={args.torch_index}"
    submit = ["builds", "submit", str(ROOT), project, f"--config={ROOT / 'deploy' / 'cloudbuild.yaml'}"]
    gcloud.run([*submit, "--ignore-file=deploy/Dockerfile.dockerignore", f"--substitutions={substitutions}"])
    build = ["dataflow", "flex-template", "build", place.template, project, f"--image={place.image}", "--sdk-language=PYTHON"]
    defaults = ["--enable-streaming-engine", f"--worker-machine-type={args.machine_type}", f"--max-workers={args.max_workers}"]
    gcloud.run([*build, f"--metadata-file={METADATA}", *defaults])
    if gcloud.dry_run:
        return _only_printed()
    print(f"\nReady: make deploy PROJECT={place.project} REGION={place.region} BUCKET={place.bucket} WATCH={args.watch}")
    return 0


def deploy(args: argparse.Namespace, place: Place, gcloud: Gcloud) -> int:
    """Run the template as a streaming job, or update the job of that name."""
    if not gcloud.dry_run:
        file = ["storage", "objects", "describe", place.template, f"--project={place.project}", "--format=value(name)"]
        where = f"PROJECT={place.project} REGION={place.region} BUCKET={place.bucket}"
        built = Resource(f"template {place.template} (make template {where})", file, [])
        needed = [*resources.storage(place), built, *resources.account(place), *resources.messaging(place)]
        problems = missing(gcloud, place, needed) or wrong_job(gcloud, place, args.update)
        if problems:
            return refuse(problems)
    gcloud.run(run_command(args, place))
    if gcloud.dry_run:
        return _only_printed()
    jobs = f"https://console.cloud.google.com/dataflow/jobs?project={place.project}"
    print(f"\nThe launcher takes some minutes to start the job: {jobs}")
    return 0


def _only_printed() -> int:
    print("\nNothing was run: leave --dry-run out to run these commands.")
    return 0


def run_command(args: argparse.Namespace, place: Place) -> list[str]:
    """The arguments of `gcloud dataflow flex-template run`."""
    parameters = {"pipeline": place.pipeline, "watch": place.watch, "state_dir": f"gs://{place.bucket}/state/{place.pipeline}"}
    parameters |= settings_of(args)
    if args.update:
        parameters["replace_running_job"] = "true"
    run = ["dataflow", "flex-template", "run", place.job_name, f"--project={place.project}", f"--region={place.region}"]
    run += [f"--template-file-gcs-location={place.template}", f"--service-account-email={place.account}"]
    run += [f"--staging-location=gs://{place.bucket}/staging", f"--temp-location=gs://{place.bucket}/temp"]
    run += ["--enable-streaming-engine", "--num-workers=1", f"--max-workers={args.max_workers}"]
    run += [f"--worker-machine-type={args.machine_type}"]
    run += [f"--additional-user-labels=app=vedette,pipeline={place.pipeline},watch={place.watch}"]
    run += [f"--parameters={escaped(f'{name}={value}')}" for name, value in parameters.items()]
    return [*run, "--update"] if args.update else run


def escaped(pair: str) -> str:
    """A value with a comma would be two: gcloud takes another separator between two carets (`gcloud topic escaping`)."""
    if "," not in pair:
        return pair
    return f"^{next(c for c in ';|~#' if c not in pair)}^{pair}"


def missing(gcloud: Gcloud, place: Place, needed: Iterable[Resource]) -> list[str]:
    """Everything that is not there, each with the command that makes it."""
    enabled = gcloud.ask(resources.services_question(place))
    if not enabled.found:
        return [f"project {place.project} could not be looked at: {enabled.error}"]
    problems = []
    disabled = [s for s in resources.SERVICES if s not in enabled.output.split()]
    if disabled:
        problems.append(f"services not enabled: {', '.join(disabled)}\n    {line(resources.enable(place, disabled))}")
    absent, troubles = look(gcloud, needed)
    makers = {r.what: line(r.make) if r.make else r.made_by for r in absent}
    problems += [f"missing: {what}" + (f"\n    {by}" if by else "") for what, by in makers.items()] + troubles
    if any(makers.values()) or disabled:
        where = f"--project {place.project} --region {place.region} --bucket {place.bucket}"
        every = f"python deploy/deploy.py infrastructure {where} --watch {place.watch} --pipeline {place.pipeline}"
        problems.append(f"all of the infrastructure, with its permissions, at once:\n    {every}")
    return problems


def look(gcloud: Gcloud, needed: Iterable[Resource]) -> tuple[list[Resource], list[str]]:
    """Which of the resources are not there, and what kept gcloud from telling."""
    absent, troubles = [], []
    for resource in needed:
        answer = gcloud.ask(resource.ask)
        if answer.found is None:
            troubles.append(f"could not look for {resource.what}: {answer.error}")
        elif not answer.found:
            absent.append(resource)
    return absent, troubles


def wrong_job(gcloud: Gcloud, place: Place, update: bool) -> list[str]:
    """A new job needs a free name, an update a running job: two jobs of one name would share a subscription."""
    where = [f"--region={place.region}", f"--project={place.project}"]
    asked = gcloud.ask(
        ["dataflow", "jobs", "list", *where, "--status=active", f"--filter=name={place.job_name}", "--format=value(id)"]
    )
    if asked.found is None:
        return [f"could not look for running jobs: {asked.error}"]
    running = asked.output.split()
    if running and not update:
        drain = line(["dataflow", "jobs", "drain", running[0], *where])
        return [
            f"job {place.job_name} runs ({running[0]}): update it with --update (ARGS=--update), or end it first:\n    {drain}"
        ]
    if update and not running:
        return [f"there is no running job {place.job_name} to update: leave --update out"]
    return []


def vedette(arguments: list[str], dry_run: bool) -> None:
    """Print a command of this project and run it, always against Google's service."""
    print(f"+ {shlex.join(['vedette', *arguments])}", flush=True)
    if dry_run:
        return
    beside = Path(sys.executable).with_name("vedette")
    environment = {name: value for name, value in os.environ.items() if name != "PUBSUB_EMULATOR_HOST"}
    try:
        status = subprocess.run([shutil.which("vedette") or beside, *arguments], env=environment, check=False).returncode
    except FileNotFoundError:
        raise GcloudError("vedette is not installed here: make env") from None
    if status:
        raise GcloudError(f"this failed: {shlex.join(['vedette', *arguments])}")


def refuse(problems: list[str]) -> int:
    print("\nNot started.\n" + "\n".join(f"- {p}" for p in problems), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
