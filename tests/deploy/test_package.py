"""The source distribution holds all that runs: `--setup_file=./setup.py` and the image are made of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PACKAGES = ("schemas", "transforms", "pipelines", "localpubsub", "watches")
MUST_HAVE = ("LICENSE", "README.md", "CHANGELOG.md", "setup.py", "pyproject.toml", "requirements.lock", "MANIFEST.in")


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built beside the project: the folder of the project stays as it is."""
    place = tmp_path_factory.mktemp("sdist")
    egg = ["egg_info", "--egg-base", str(place)]
    command = [sys.executable, "setup.py", "--quiet", *egg, "sdist", "--formats=gztar", "--dist-dir", str(place)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    (archive,) = place.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def installed(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as pip installs them from the distribution, without their dependencies."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(sdist)]
    subprocess.run(command, cwd=target, check=True, capture_output=True, text=True)
    return target


def files_of(root: Path) -> set[str]:
    """Every file of the packages that git knows or would take in."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return {name for name in done.stdout.splitlines() if (root / name).is_file()}


def names_in(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames() if "/" in name}


def test_sdist_holds_every_file_of_the_packages(root: Path, sdist: Path) -> None:
    assert files_of(root) - names_in(sdist) == set()


def test_sdist_holds_what_stands_beside_the_packages(sdist: Path) -> None:
    assert set(MUST_HAVE) - names_in(sdist) == set()


def test_sdist_holds_no_tests_and_nothing_compiled(sdist: Path) -> None:
    assert [
        n for n in names_in(sdist) if n.startswith(("tests/", "benchmarks/", "deploy/")) or n.endswith((".pyc", "__pycache__"))
    ] == []


def test_every_file_of_the_packages_is_installed(root: Path, installed: Path) -> None:
    assert {name for name in files_of(root) if not (installed / name).is_file()} == set()
    assert not (installed / "tests").exists()


def run_installed(installed: Path, directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python where there is nothing but the installed packages and their dependencies."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *command], cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_installed_watch_can_be_checked_by_its_name(installed: Path, tmp_path: Path) -> None:
    where = run_installed(installed, tmp_path, "-c", "import watches; print(list(watches.__path__))")
    assert str(installed) in where.stdout
    done = run_installed(installed, tmp_path, "-m", "pipelines.cli", "watch", "check", "ukraine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ukraine: ")


def test_smoke_test_of_the_image_passes_on_the_installed_packages(root: Path, installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, str(root / "deploy/smoke.py"))
    assert done.returncode == 0, done.stderr
    assert "watch ukraine: " in done.stdout
    assert "sentence model: loaded" in done.stdout


def test_installed_topics_file_is_found_with_its_schema(root: Path, installed: Path, tmp_path: Path) -> None:
    told = (
        "from pipelines.topics.declaration import *; d = packaged_declaration(); "
        "print(DEFAULT_FILE); print(definition_of(d.schemas['vedette-alert'], DEFAULT_FILE))"
    )
    done = run_installed(installed, tmp_path, "-c", told)
    assert done.returncode == 0, done.stderr
    where, definition = done.stdout.split("\n", 1)
    assert Path(where).is_relative_to(installed)
    assert definition.strip() == (root / "schemas/alert.avsc").read_text(encoding="utf-8").strip()
