"""What a deployment needs in a project, how to ask for it and how to make it: the whole infrastructure, as gcloud commands.

Topics and subscriptions alone are made by another: `vedette topics apply`, from topics.yaml.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

SERVICES = (
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "compute.googleapis.com",
    "dataflow.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "storage.googleapis.com",
)
REPOSITORY = "vedette"
ACCOUNT = "vedette-worker"
READER_ROLE = "vedetteLogReader"


@dataclass(frozen=True)
class Place:
    """Where a deployment lives, and under what names.

    topics       those of entries, alerts, dead letters and requests for full text
    subscription the one that `detect` reads, "" for detect-WATCH
    topics_file  what topics and subscriptions are made from, "" for deploy/topics.yaml
    """

    project: str
    region: str
    bucket: str
    watch: str
    pipeline: str = "monitor"
    job: str = ""
    tag: str = "latest"
    topics: tuple[str, str, str, str] = ("entries", "alerts", "dead-letters", "fetches")
    subscription: str = ""
    topics_file: str = ""

    @property
    def job_name(self) -> str:
        return self.job or (f"vedette-{self.pipeline}" if self.pipeline == "collect" else f"vedette-{self.pipeline}-{self.watch}")

    @property
    def image(self) -> str:
        return f"{self.region}-docker.pkg.dev/{self.project}/{REPOSITORY}/vedette:{self.tag}"

    @property
    def template(self) -> str:
        return f"gs://{self.bucket}/templates/vedette.json"

    @property
    def account(self) -> str:
        return f"{ACCOUNT}@{self.project}.iam.gserviceaccount.com"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Those that the pipeline reads, or may read if it is told to."""
        if self.pipeline == "detect":
            return (self.subscription or f"detect-{self.watch}",)
        return ("collect", "collect-fetches")


@dataclass(frozen=True)
class Resource:
    """Something that is there or not: `ask` changes nothing and succeeds if it is, `make` makes it.

    made_by  the command of another tool that makes it, where gcloud does not
    """

    what: str
    ask: list[str] = field(compare=False)
    make: list[str] = field(compare=False)
    made_by: str = field(compare=False, default="")


def services_question(place: Place) -> list[str]:
    return ["services", "list", "--enabled", f"--project={place.project}", "--format=value(config.name)"]


def enable(place: Place, services: list[str]) -> list[str]:
    return ["services", "enable", *services, f"--project={place.project}"]


def storage(place: Place) -> list[Resource]:
    """The bucket of templates, staging and checkpoints, and the repository of images."""
    project = f"--project={place.project}"
    url = f"gs://{place.bucket}"
    at = f"--location={place.region}"
    # Dataflow writes and deletes a great deal of temporary data: kept for a week, it would be paid for.
    options = ["--uniform-bucket-level-access", "--public-access-prevention", "--soft-delete-duration=0"]
    describe = ["artifacts", "repositories", "describe", REPOSITORY, at, project, "--format=value(name)"]
    create = ["artifacts", "repositories", "create", REPOSITORY, "--repository-format=docker", at, project]
    return [
        Resource(
            f"bucket {url}",
            ["storage", "buckets", "describe", url, project, "--format=value(name)"],
            ["storage", "buckets", "create", url, at, project, *options],
        ),
        Resource(f"image repository {REPOSITORY} in {place.region}", describe, create),
    ]


def account(place: Place) -> list[Resource]:
    """The service account of the workers and of the launcher."""
    project = f"--project={place.project}"
    return [
        Resource(
            f"service account {place.account}",
            ["iam", "service-accounts", "describe", place.account, project, "--format=value(email)"],
            ["iam", "service-accounts", "create", ACCOUNT, project, "--display-name=Vedette on Dataflow"],
        )
    ]


def messaging(place: Place) -> list[Resource]:
    """Topics and subscriptions. A full name of another project is that project's affair."""
    project = f"--project={place.project}"
    made_by = shlex.join(["vedette", *topics_command(place)])
    kinds = {"topic": own(place.topics), "subscription": own(place.subscriptions)}
    return [
        Resource(f"{kind} {name}", ["pubsub", f"{kind}s", "describe", name, project, "--format=value(name)"], [], made_by)
        for kind, names in kinds.items()
        for name in names
    ]


def topics_command(place: Place) -> list[str]:
    """The arguments of `vedette` that make topics and subscriptions. Only `detect` reads a subscription of its watch."""
    watch = [f"--watch={place.watch}"] if place.pipeline == "detect" else []
    file = [place.topics_file] if place.topics_file else []
    return ["topics", "apply", *file, f"--project={place.project}", *watch]


def reader_role(place: Place) -> Resource:
    """The launcher of `detect` reads which alerts the topic holds, through a subscription that it makes and deletes."""
    project = f"--project={place.project}"
    permissions = ",".join(f"pubsub.subscriptions.{verb}" for verb in ("consume", "create", "delete", "get"))
    texts = ["--title=Vedette log reader", "--stage=GA"]
    return Resource(
        f"role {READER_ROLE}",
        ["iam", "roles", "describe", READER_ROLE, project, "--format=value(name)"],
        ["iam", "roles", "create", READER_ROLE, project, *texts, f"--permissions={permissions}"],
    )


def grants(place: Place) -> Iterator[list[str]]:
    """The least that the service account must be allowed. To grant what is granted changes nothing."""
    project = f"--project={place.project}"
    member = f"--member=serviceAccount:{place.account}"

    def binding(*to: str, role: str) -> list[str]:
        return [*to, member, f"--role={role}", "--format=none"]

    def on_project(role: str) -> list[str]:
        return [*binding("projects", "add-iam-policy-binding", place.project, role=role), "--condition=None"]

    yield on_project("roles/dataflow.worker")
    yield on_project("roles/dataflow.viewer")  # an update looks for the id of the running job
    url = f"gs://{place.bucket}"
    for role in ("roles/storage.objectAdmin", "roles/storage.legacyBucketReader"):
        yield binding("storage", "buckets", "add-iam-policy-binding", url, role=role)
    at = f"--location={place.region}"
    reader = "roles/artifactregistry.reader"
    yield binding("artifacts", "repositories", "add-iam-policy-binding", REPOSITORY, at, project, role=reader)
    for topic in own(place.topics):
        for role in ("roles/pubsub.publisher", "roles/pubsub.viewer"):
            yield binding("pubsub", "topics", "add-iam-policy-binding", topic, project, role=role)
    for name in own(place.subscriptions):
        for role in ("roles/pubsub.subscriber", "roles/pubsub.viewer"):
            yield binding("pubsub", "subscriptions", "add-iam-policy-binding", name, project, role=role)
    if place.pipeline != "detect":
        return
    yield on_project(f"projects/{place.project}/roles/{READER_ROLE}")
    for topic in own(place.topics[1:2]):
        yield binding("pubsub", "topics", "add-iam-policy-binding", topic, project, role="roles/pubsub.subscriber")


def own(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if not name.startswith("projects/"))
