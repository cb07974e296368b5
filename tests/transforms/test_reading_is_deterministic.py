"""What is read in an entry does not depend on the order in which a process happens to hold a set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
READ_ALL = """
import hashlib, json
from pipelines.recorded import entry_of
from pipelines.recording import Recording, entries
from schemas.records import to_json
from schemas.watch import load_watch
from transforms.actors import tagger_for as actors_for
from transforms.signals import tagger_for as signals_for

watch = load_watch("watches/ukraine")
read = hashlib.sha256(watch.config_hash.encode())
for line in entries(Recording.load("watches/ukraine/sample")):
    entry = entry_of(line)
    actors = actors_for(watch).tag(entry)
    for found in (*actors, *signals_for(watch).tag(entry, actors)):
        read.update(to_json(found))
print(read.hexdigest())
"""


def test_two_processes_with_other_hash_seeds_read_the_same() -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", READ_ALL], stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT
        )
        for seed in ("1", "2")
    ]
    digests = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(digests) == 1
