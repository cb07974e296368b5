"""deploy.py against a gcloud and a vedette that only write down what they are asked: real ones would cost money."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

WHERE = ["--project=example-project", "--region=europe-west1", "--bucket=example-bucket"]
ACCOUNT = "vedette-worker@example-project.iam.gserviceaccount.com"
FAKE = """#!{python} -SE
import json, pathlib, sys
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
program = [name for name in [pathlib.Path(__file__).name] if name != "gcloud"]
with (here / "calls.jsonl").open("a") as log:
    log.write(json.dumps([*program, *arguments]) + "\\n")
line = " ".join([*program, *arguments])
for part, status, out, error in json.loads((here / "answers.json").read_text()):
    if part in line:
        sys.stdout.write(out)
        sys.stderr.write(error)
        sys.exit(status)
"""
NOT_THERE = "ERROR: (gcloud) NOT_FOUND: Resource not found"
FORBIDDEN = "ERROR: (gcloud) PERMISSION_DENIED: The caller does not have permission"


@dataclass
class Cloud:
    """A fake gcloud in a directory of its own. `says` answers every command that contains a text."""

    directory: Path
    root: Path
    answers: list[tuple[str, int, str, str]]

    def says(self, part: str, out: str = "", status: int = 0, error: str = "") -> None:
        self.answers.insert(0, (part, status, out, error))

    def lacks(self, part: str) -> None:
        self.says(part, status=1, error=NOT_THERE)

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if self.directory.exists():
            (self.directory / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")
        environment = {**os.environ, "PATH": str(self.directory), "TORCH_INDEX": ""}
        command = [sys.executable, str(self.root / "deploy/deploy.py"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    @property
    def calls(self) -> list[list[str]]:
        log = self.directory / "calls.jsonl"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def made(self) -> list[list[str]]:
        """The calls that change something."""
        asking = {"describe", "list", "print-access-token"}
        return [call for call in self.calls if not asking & set(call)]


@pytest.fixture
def cloud(tmp_path: Path, root: Path, script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A project that has everything and runs nothing."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("gcloud", "vedette"):
        (directory / name).write_text(FAKE.format(python=sys.executable), encoding="utf-8")
        (directory / name).chmod(0o755)
    services = script("deploy/resources.py").SERVICES
    there = [
        ("auth list", 0, "someone@example.org\n", ""),
        ("services list", 0, "\n".join(services), ""),
        ("jobs list", 0, "", ""),
    ]
    return Cloud(directory, root, there)


def parameters(call: list[str]) -> dict[str, str]:
    return dict(a.removeprefix("--parameters=").split("=", 1) for a in call if a.startswith("--parameters="))


def test_says_everything_that_is_missing_on_the_command_line(cloud: Cloud) -> None:
    done = cloud.deploy("deploy", "--project=", "--region=Europe", "--watch=watches/atlantis", "--set=colour=red", "--set=feeds")
    assert done.returncode == 2
    for word in (
        "PROJECT is not given",
        "REGION=Europe",
        "BUCKET is not given",
        "watches/atlantis/watch.yaml",
        "colour",
        "feeds: give",
    ):
        assert word in done.stderr
    assert cloud.calls == []


def test_says_that_gcloud_is_not_installed_beside_the_rest(cloud: Cloud) -> None:
    (cloud.directory / "gcloud").unlink()
    done = cloud.deploy("template", "--project=example-project")
    assert done.returncode == 2
    assert "gcloud is not installed: https://cloud.google.com/sdk/docs/install" in done.stderr
    assert "REGION is not given" in done.stderr


def test_says_that_nobody_is_logged_in(cloud: Cloud) -> None:
    cloud.says("auth list")
    done = cloud.deploy("deploy", *WHERE)
    assert done.returncode == 2
    assert "gcloud auth login" in done.stderr
    assert cloud.made() == []


def test_says_each_missing_thing_with_the_command_that_makes_it(cloud: Cloud) -> None:
    cloud.says("services list", "pubsub.googleapis.com\nstorage.googleapis.com\n")
    for thing in (
        "topics describe alerts",
        "subscriptions describe detect-ukraine",
        "service-accounts describe",
        "objects describe",
    ):
        cloud.lacks(thing)
    done = cloud.deploy("deploy", *WHERE, "--pipeline=detect")
    assert done.returncode == 2
    for command in (
        "gcloud services enable artifactregistry.googleapis.com",
        "missing: topic alerts\n    vedette topics apply --project=example-project --watch=ukraine",
        "missing: subscription detect-ukraine\n    vedette topics apply --project=example-project --watch=ukraine",
        "gcloud iam service-accounts create vedette-worker",
        "make template PROJECT=example-project",
        "deploy.py infrastructure --project example-project",
    ):
        assert command in done.stderr
    assert "topic entries" not in done.stderr
    assert cloud.made() == []


def test_what_cannot_be_looked_at_is_not_called_missing(cloud: Cloud) -> None:
    cloud.says("topics describe entries", status=1, error=FORBIDDEN)
    done = cloud.deploy("deploy", *WHERE)
    assert done.returncode == 2
    assert "could not look for topic entries: " in done.stderr
    assert "PERMISSION_DENIED" in done.stderr
    assert "topics apply" not in done.stderr


def test_project_that_cannot_be_looked_at(cloud: Cloud) -> None:
    cloud.says("services list", status=1, error=FORBIDDEN)
    for command in ("infrastructure", "template", "deploy"):
        done = cloud.deploy(command, *WHERE)
        assert done.returncode == 2
        assert "project example-project could not be looked at" in done.stderr
    assert cloud.made() == []


def test_infrastructure_makes_what_is_missing_and_grants_the_least(cloud: Cloud) -> None:
    cloud.lacks("describe")
    done = cloud.deploy("infrastructure", *WHERE)
    assert done.returncode == 0, done.stderr
    made = [" ".join(call[:4]) for call in cloud.made() if "add-iam-policy-binding" not in call]
    assert made == [
        "storage buckets create gs://example-bucket",
        "artifacts repositories create vedette",
        f"iam service-accounts create {ACCOUNT.split('@')[0]}",
        "vedette topics apply --project=example-project",
    ]
    grants = [call for call in cloud.made() if "add-iam-policy-binding" in call]
    assert all(f"--member=serviceAccount:{ACCOUNT}" in call for call in grants)
    on_project = {a.removeprefix("--role=") for call in grants if call[0] == "projects" for a in call if a.startswith("--role=")}
    assert on_project == {"roles/dataflow.worker", "roles/dataflow.viewer"}
    everything = {a for call in grants for a in call}
    assert not [a for a in everything if a.endswith(("/owner", "/editor", "pubsub.admin", "pubsub.editor", "storage.admin"))]


def test_infrastructure_run_again_makes_nothing(cloud: Cloud) -> None:
    done = cloud.deploy("infrastructure", *WHERE, "--pipeline=detect")
    assert done.returncode == 0, done.stderr
    (apply,) = [call for call in cloud.made() if "add-iam-policy-binding" not in call]
    assert apply[:3] == ["vedette", "topics", "apply"], "which sees for itself whether there is anything to do"


def test_infrastructure_of_detect_has_its_subscription(cloud: Cloud) -> None:
    cloud.lacks("roles describe")
    assert cloud.deploy("infrastructure", *WHERE, "--pipeline=detect", "--watch=taiwan-strait").returncode == 0
    role, apply = [call for call in cloud.made() if "add-iam-policy-binding" not in call]
    assert role[:4] == ["iam", "roles", "create", "vedetteLogReader"]
    assert apply == ["vedette", "topics", "apply", "--project=example-project", "--watch=taiwan-strait"]
    grants = [" ".join(call) for call in cloud.made() if "add-iam-policy-binding" in call]
    assert [g for g in grants if "add-iam-policy-binding detect-taiwan-strait" in g and "roles/pubsub.subscriber" in g]
    position = [call[:3] for call in cloud.made()].index(["vedette", "topics", "apply"])
    assert "pubsub" not in [call[0] for call in cloud.made()[:position]], "grants are for what is there by then"


@pytest.mark.parametrize("pipeline", ["monitor", "collect"])
def test_infrastructure_lets_collect_read_what_it_may_be_told_to(cloud: Cloud, pipeline: str) -> None:
    assert cloud.deploy("infrastructure", *WHERE, f"--pipeline={pipeline}").returncode == 0
    grants = [" ".join(call) for call in cloud.made() if "add-iam-policy-binding" in call]
    for name in ("subscriptions add-iam-policy-binding collect-fetches", "topics add-iam-policy-binding fetches"):
        assert [g for g in grants if name in g]
    assert "--watch" not in " ".join(cloud.made()[0]), "a subscription that nobody reads would only gather a backlog"


def test_topics_are_made_in_the_project_and_never_on_a_local_server(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = cloud.directory / "vedette"
    told = '\nimport os\n(here / "endpoint").write_text(os.environ.get("PUBSUB_EMULATOR_HOST", ""))\n'
    fake.write_text(fake.read_text(encoding="utf-8").replace("\narguments =", f"{told}arguments =", 1), encoding="utf-8")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    assert cloud.deploy("infrastructure", *WHERE).returncode == 0
    assert (cloud.directory / "endpoint").read_text() == ""


def test_credentials_that_topics_need_are_asked_for_before_anything_is_made(cloud: Cloud) -> None:
    cloud.says("print-access-token", status=1, error="ERROR: no credentials")
    done = cloud.deploy("infrastructure", *WHERE)
    assert done.returncode == 2
    assert "gcloud auth application-default login" in done.stderr
    assert cloud.made() == []


def test_topics_that_cannot_be_as_declared_end_it_before_anything_is_granted(cloud: Cloud) -> None:
    cloud.says("topics apply", status=1)
    done = cloud.deploy("infrastructure", *WHERE)
    assert done.returncode == 1
    assert "this failed: vedette topics apply" in done.stderr
    assert [call for call in cloud.made() if "add-iam-policy-binding" in call] == []


def test_a_topic_that_nobody_would_make_is_told_beforehand(cloud: Cloud, tmp_path: Path) -> None:
    own = ["--set=alerts_topic=bells", "--set=entries_subscription=projects/other/subscriptions/theirs", "--pipeline=detect"]
    done = cloud.deploy("infrastructure", *WHERE, *own)
    assert done.returncode == 2
    assert "topic bells is not declared in deploy/topics.yaml" in done.stderr
    assert "theirs" not in done.stderr
    copy = tmp_path / "ours.yaml"
    copy.write_text((cloud.root / "deploy/topics.yaml").read_text(encoding="utf-8").replace("\n  alerts:", "\n  bells:"))
    assert cloud.deploy("infrastructure", *WHERE, *own, f"--topics={copy}").returncode == 0
    (apply,) = [call for call in cloud.made() if call[0] == "vedette"]
    assert apply[3] == str(copy)


def test_template_builds_an_image_and_points_the_template_at_it(cloud: Cloud) -> None:
    done = cloud.deploy("template", *WHERE, "--tag=v1", "--torch-index=https://wheels.example.org/cpu")
    assert done.returncode == 0, done.stderr
    submit, build = cloud.made()
    image = "europe-west1-docker.pkg.dev/example-project/vedette/vedette:v1"
    assert submit[:3] == ["builds", "submit", str(cloud.root)]
    assert f"--substitutions=_IMAGE={image},_TORCH_INDEX=https://wheels.example.org/cpu" in submit
    assert build[:4] == ["dataflow", "flex-template", "build", "gs://example-bucket/templates/vedette.json"]
    assert f"--image={image}" in build
    for argument in submit + build:
        name, _, value = argument.partition("=")
        if name in ("--config", "--metadata-file"):
            assert Path(value).is_file()
        if name == "--ignore-file":
            assert (cloud.root / value).is_file()


def test_two_builds_never_share_a_tag(cloud: Cloud, script: Callable[[str], ModuleType]) -> None:
    assert cloud.deploy("template", *WHERE).returncode == 0
    (image,) = {a for call in cloud.made() for a in call if a.startswith("--image=")}
    assert image.rpartition(":")[2][-15:].replace("-", "").isdigit()


def test_deploy_runs_a_streaming_job(cloud: Cloud) -> None:
    done = cloud.deploy(
        "deploy", *WHERE, "--set=poll_shards=3", "--set=poll_user_agent=News (desk@example.org)", "--max-workers=5"
    )
    assert done.returncode == 0, done.stderr
    (run,) = cloud.made()
    assert run[:4] == ["dataflow", "flex-template", "run", "vedette-monitor-ukraine"]
    for option in (
        "--enable-streaming-engine",
        "--max-workers=5",
        f"--service-account-email={ACCOUNT}",
        "--template-file-gcs-location=gs://example-bucket/templates/vedette.json",
        "--region=europe-west1",
    ):
        assert option in run
    assert "--update" not in run
    assert parameters(run) == {
        "pipeline": "monitor",
        "watch": "ukraine",
        "state_dir": "gs://example-bucket/state/monitor",
        "poll_shards": "3",
        "poll_user_agent": "News (desk@example.org)",
    }


def test_deploy_passes_only_what_the_template_takes(cloud: Cloud) -> None:
    cloud.says("jobs list", "2026-01-01_00_00_00-1\n")
    assert cloud.deploy("deploy", *WHERE, "--update").returncode == 0
    known = {p["name"] for p in json.loads((cloud.root / "deploy/metadata.json").read_text(encoding="utf-8"))["parameters"]}
    assert set(parameters(cloud.made()[0])) <= known


def test_value_with_a_comma_stays_one_value(cloud: Cloud) -> None:
    assert cloud.deploy("deploy", *WHERE, "--set=poll_user_agent=News, Example; desk@example.org").returncode == 0
    assert "--parameters=^|^poll_user_agent=News, Example; desk@example.org" in cloud.made()[0]


def test_deploy_refuses_a_second_job_of_one_name(cloud: Cloud) -> None:
    cloud.says("jobs list", "2026-01-01_00_00_00-1\n")
    done = cloud.deploy("deploy", *WHERE)
    assert done.returncode == 2
    assert "--update" in done.stderr
    assert "gcloud dataflow jobs drain 2026-01-01_00_00_00-1 --region=europe-west1" in done.stderr
    assert cloud.made() == []


def test_update_replaces_the_running_job_and_moves_no_subscription(cloud: Cloud) -> None:
    cloud.says("jobs list", "2026-01-01_00_00_00-1\n")
    done = cloud.deploy("deploy", *WHERE, "--pipeline=detect", "--update")
    assert done.returncode == 0, done.stderr
    (run,) = cloud.made()
    assert run[-1] == "--update"
    assert parameters(run)["replace_running_job"] == "true"


def test_update_of_nothing_is_refused(cloud: Cloud) -> None:
    done = cloud.deploy("deploy", *WHERE, "--update")
    assert done.returncode == 2
    assert "no running job vedette-monitor-ukraine" in done.stderr


def test_every_command_is_printed_before_it_is_run(cloud: Cloud) -> None:
    done = cloud.deploy("deploy", *WHERE)
    printed = [line for line in done.stdout.splitlines() if line.startswith(("+ gcloud ", "? gcloud "))]
    assert len(printed) == len(cloud.calls)
    assert [line.split()[2] for line in printed] == [call[0] for call in cloud.calls]


def test_a_command_that_fails_ends_it(cloud: Cloud) -> None:
    cloud.says("builds submit", status=1, error="ERROR: build failed")
    done = cloud.deploy("template", *WHERE)
    assert done.returncode == 1
    assert "ERROR: build failed" in done.stderr
    assert "this failed: gcloud builds submit" in done.stderr
    assert len(cloud.made()) == 1


@pytest.mark.parametrize("command", ["infrastructure", "template", "deploy"])
def test_dry_run_runs_nothing_and_needs_no_gcloud(cloud: Cloud, command: str) -> None:
    with_gcloud = cloud.deploy(command, *WHERE, "--tag=v1", "--dry-run")
    assert cloud.calls == []
    (cloud.directory / "gcloud").unlink()
    without = cloud.deploy(command, *WHERE, "--tag=v1", "--dry-run")
    assert with_gcloud.returncode == without.returncode == 0, without.stderr
    assert "+ gcloud " in without.stdout
    assert without.stdout == with_gcloud.stdout
    assert without.stdout.splitlines()[-1] == "Nothing was run: leave --dry-run out to run these commands."


def test_what_a_deployment_uses_is_declared(script: Callable[[str], ModuleType]) -> None:
    from pipelines.topics.declaration import packaged_declaration

    resources = script("deploy/resources.py")
    for pipeline in ("monitor", "collect", "detect"):
        place = resources.Place("example-project", "europe-west1", "bucket", "ukraine", pipeline)
        assert all(packaged_declaration().topic(name) for name in place.topics)
        assert all(packaged_declaration().subscription(name) for name in place.subscriptions)
