"""The system tests of Google's own client library against our server, without credentials.

    python benchmarks/pubsub_conformance.py             (make pubsub-conformance)
    python benchmarks/pubsub_conformance.py --google    # against Google's emulator instead, where it is installed

The library's sdist, of the version that is installed here, is downloaded from PyPI with what its tests import, all under
build/conformance. Deselected are the runs over REST: with PUBSUB_EMULATOR_HOST the library itself cannot make that client.
Five tests need a service account and skip themselves.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.pubsub_endpoints import ROOT, find_emulator, google_emulator, our_server

FOLDER = ROOT / "build/conformance"
NEEDED = ("flaky==3.8.1", "google-cloud-testutils==1.10.1", "psutil==7.2.2")
EXPECTED = {"passed": 16, "failed": 0, "skipped": 5}
CONFTEST = '''"""google.auth.default without an account: the tests ask it for the project."""
import os

import google.auth
from google.auth.credentials import AnonymousCredentials

google.auth.default = lambda *_, **__: (AnonymousCredentials(), os.environ["GOOGLE_CLOUD_PROJECT"])
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--google", action="store_true", help="ask Google's emulator")
    parser.add_argument("--emulator", default="", help="path of cloud-pubsub-emulator (default: where the SDK has it)")
    options = parser.parse_args()
    tests = fetch()
    if options.google:
        program = find_emulator(options.emulator)
        if program is None:
            sys.exit("Google's emulator is not installed here")
        server = google_emulator(program)
    else:
        server = our_server()
    with server as running:
        counts = run(tests, running.address)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    if not options.google and counts != EXPECTED:
        sys.exit(f"expected: {', '.join(f'{count} {outcome}' for outcome, count in EXPECTED.items())}")


def fetch() -> Path:
    """The folder of the library's tests, downloaded unless it is there."""
    name = f"google_cloud_pubsub-{version('google-cloud-pubsub')}"
    tests = FOLDER / name / "tests"
    if not (tests / "system.py").is_file():
        requirement = f"google-cloud-pubsub=={version('google-cloud-pubsub')}"
        _pip("download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--dest", str(FOLDER), requirement)
        with tarfile.open(FOLDER / f"{name}.tar.gz") as archive:
            archive.extractall(FOLDER, filter="data")
    if not (FOLDER / "packages/flaky").is_dir():
        _pip("install", "--no-deps", "--target", str(FOLDER / "packages"), *NEEDED)
    return tests


def run(tests: Path, address: str) -> dict[str, int]:
    """Counts of outcomes; what fails is printed by pytest."""
    (tests / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    results = FOLDER / "results.xml"
    command = [sys.executable, "-m", "pytest", "--rootdir", str(tests), "--confcutdir", str(tests), "-c", os.devnull]
    command += ["-p", "no:cacheprovider", "-q", "-rs", "-k", "not rest", f"--junitxml={results}", "system.py"]
    environment = {
        **os.environ,
        "PUBSUB_EMULATOR_HOST": address,
        "GOOGLE_CLOUD_PROJECT": "conformance",
        "PYTHONPATH": str(FOLDER / "packages"),
    }
    for name in ("KOKORO_GFILE_DIR", "GOOGLE_APPLICATION_CREDENTIALS"):
        environment.pop(name, None)
    subprocess.run(command, cwd=tests, env=environment, check=False)
    suite = next(ElementTree.parse(results).getroot().iter("testsuite"))
    total, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    return {"passed": total - skipped - failed, "failed": failed, "skipped": skipped}


def _pip(*arguments: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


if __name__ == "__main__":
    main()
