"""A wrong configuration file is an error that names file, line and field; a right one means the same however it is written."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from schemas.config import ConfigError, Problem, Settings, read_yaml
from schemas.watch import Policy, load_watch

ROOT = Path(__file__).parents[2]


class Flag(Settings):
    colour: str = ""


class Hold(Settings):
    tons: int = 0


class Ship(Settings):
    name: str
    guns: int = 0
    launched: date | None = None
    decks: tuple[int, ...] = ()
    escorts: tuple[Ship, ...] = ()
    flag: Flag | None = None
    holds: dict[str, Hold] | None = None


def problems_of(tmp_path: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    path = tmp_path / "ship.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, Ship)
    assert {p.file for p in caught.value.problems} == {str(path)}
    assert str(path) in str(caught.value)
    return [(p.line, p.field, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("", 1, "", "must be a mapping of fields, not NoneType"),
        ("- a\n- b\n", 1, "", "must be a mapping of fields, not list"),
        ("guns: 3\n", 1, "name", "is missing"),
        ("name: Swift\nguns: many\n", 2, "guns", "integer"),
        (
            "name: Swift\n\n# why\nsails: 3\n",
            4,
            "sails",
            "unknown field: there are name, guns, launched, ",
        ),
        ("name: Swift\nlaunch: 2021-02-01\n", 2, "launch", "unknown field: did you mean launched?"),
        ("name: Swift\nescorts:\n  - name: A\n    gun: 2\n", 4, "escorts.0.gun", "unknown field: did you mean guns?"),
        ("name: Swift\nflag: {color: red}\n", 2, "flag.color", "unknown field: did you mean colour?"),
        ("name: Swift\nholds:\n  fore: {tonnes: 2}\n", 3, "holds.fore.tonnes", "unknown field: did you mean tons?"),
        ("name: Swift\nname: Slow\n", 2, "name", "stands twice"),
        ("name: Swift\ndecks:\n  - 1\n  - two\n", 4, "decks.1", "integer"),
        ("name: Swift\nescorts:\n  - name: A\n  - {guns: 2}\n", 4, "escorts.1.name", "is missing"),
        ("name: Swift\nescorts:\n  - name: A\n    name: B\n", 4, "name", "stands twice"),
        ("name: Swift\nlaunched: 2021-02-31\n", 2, "", "day is out of range"),
        ("name: no\n", 1, "name", "string"),
        ("name: [unclosed\n", 2, "", "is not YAML"),
        ("name: a\n\tguns: 1\n", 2, "", "is not YAML"),
        ("name: !!python/object:os.system x\n", 1, "", "is not YAML"),
        (b"name: \xff\xfe\n", 0, "", "cannot be read"),
        ("name: \x07\n", 0, "", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_field(
    tmp_path: Path, text: str | bytes, line: int, field: str, message: str
) -> None:
    found = problems_of(tmp_path, text)
    assert [(at, name) for at, name, _ in found] == [(line, field)]
    assert message in found[0][2]


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "guns: many\nsails: 2\n")
    assert {(line, field) for line, field, _ in found} == {(1, "name"), (1, "guns"), (2, "sails")}


def test_a_missing_file_and_a_directory_are_errors_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        read_yaml(tmp_path / "none.yaml", Ship)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path, Ship)


def test_a_problem_reads_like_a_compilers() -> None:
    assert str(Problem("a.yaml", 3, "guns", "too many")) == "a.yaml:3: guns: too many"
    assert str(Problem("a.yaml", 0, "", "is missing")) == "a.yaml: is missing"


def test_the_error_survives_pickling_as_beam_does_it() -> None:
    error = ConfigError([Problem("a.yaml", 3, "guns", "too many")])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


WATCH = """
name: islands
title: Two islands
sides: {challenger: [Norland], target: [Sudland]}
gate: {actors: [Norland], terms: [norland]}
relevance: {description: [Norland gathers ships off Sudland]}
"""
ACTORS = """actors:
  - {name: Norland, kind: state}
  - {name: Sudland, kind: state}
  - {name: Jo Nor, kind: person, state: Norland}
"""
SIGNALS = "types:\n  - {type: BUILDUP, direction: escalatory, weight: 7, label: build-up, patterns: [gathers ships]}\n"
UNDESCRIBED = WATCH.replace("[Norland gathers ships off Sudland]", "[]")


def folder(tmp_path: Path, watch: str = WATCH, actors: str = ACTORS, signals: str = SIGNALS, own: str = "") -> Path:
    (tmp_path / "shared").mkdir(exist_ok=True)
    (tmp_path / "islands").mkdir(exist_ok=True)
    (tmp_path / "shared/actors.yaml").write_text(actors)
    (tmp_path / "shared/signals.yaml").write_text(signals)
    (tmp_path / "islands/watch.yaml").write_text(watch)
    if own:
        (tmp_path / "islands/actors.yaml").write_text(own)
    return tmp_path / "islands"


def test_a_watch_is_a_folder(tmp_path: Path) -> None:
    watch = load_watch(folder(tmp_path))
    assert (watch.name, len(watch.actors), watch.taxonomy.types[0].type) == ("islands", 3, "BUILDUP")
    assert watch.feeds_file == tmp_path / "islands/feeds.opml"


def test_a_watchs_own_entry_for_an_actor_replaces_the_shared_one(tmp_path: Path) -> None:
    own = "actors:\n  - {name: Norland, kind: state, aliases: [the North]}\n"
    watch = load_watch(folder(tmp_path, own=own))
    assert [a.aliases for a in watch.actors if a.name == "Norland"] == [("the North",)]


def test_the_configuration_hash_tells_what_a_watch_means_not_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here, there = load_watch(folder(tmp_path / "a")), load_watch(folder(tmp_path / "b", watch="# a comment\n" + WATCH))
    assert here.config_hash == there.config_hash
    assert here == there
    assert hash(here) == hash(there)
    other = load_watch(folder(tmp_path / "b", watch=WATCH + "policy: {quiet_hours: 1}\n"))
    assert other.config_hash != here.config_hash
    assert other != here


def test_a_watch_survives_pickling_as_beam_does_it(tmp_path: Path) -> None:
    watch = load_watch(folder(tmp_path))
    assert pickle.loads(pickle.dumps(watch)) is watch, "a bundle of the local runner reads no list again"
    elsewhere = subprocess.run(
        [sys.executable, "-c", "import pickle, sys; print(pickle.load(sys.stdin.buffer).model_dump_json())"],
        input=pickle.dumps(watch),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert elsewhere.stdout.decode().strip() == watch.model_dump_json()


@pytest.mark.parametrize(
    ("parts", "where", "field", "message"),
    [
        ({"watch": WATCH.replace("[Sudland]", "[Atlantis]")}, "islands/watch.yaml:4", "sides.target.0", "'Atlantis' is in none"),
        ({"watch": WATCH.replace("actors: [Nor", "actors: [Nobody, Nor")}, "islands/watch.yaml:5", "gate.actors.0", "Nobody"),
        ({"watch": WATCH.replace("name: islands", "name: The Islands")}, "islands/watch.yaml:2", "name", "pattern"),
        ({"watch": UNDESCRIBED}, "islands/watch.yaml:6", "relevance.description", "least 1"),
        ({"actors": ACTORS.replace("state: Norland", "state: Nowhere")}, "shared/actors.yaml:4", "actors.2.state", "Nowhere"),
        ({"actors": ACTORS + "  - {name: Norland, kind: state}\n"}, "shared/actors.yaml:5", "actors.3.name", "stands twice"),
        ({"own": "actors:\n  - {name: Jo, kind: clown}\n"}, "islands/actors.yaml:2", "actors.0.kind", "Input should be"),
        ({"own": "actors:\n  - {name: Jo, kind: group, state: Nowhere}\n"}, "islands/actors.yaml:2", "actors.0.state", "Nowhere"),
        ({"signals": SIGNALS.replace("weight: 7", "weight: 70")}, "shared/signals.yaml:2", "types.0.weight", "10"),
        ({"watch": WATCH + "policy: {min_severity: TERRIBLE}\n"}, "islands/watch.yaml:7", "policy.min_severity", "Input"),
    ],
)  # fmt: skip
def test_a_broken_watch_names_file_line_and_field(
    tmp_path: Path, parts: dict[str, str], where: str, field: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_watch(folder(tmp_path, **parts))
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{tmp_path / where}: {field}: ")
    assert message in problem.message


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_watch(
            folder(
                tmp_path, watch=WATCH + "mood: bad\n", actors=ACTORS.replace("kind: person", "kind: clown"), signals="types: 3\n"
            )
        )
    assert {Path(p.file).name for p in caught.value.problems} == {"watch.yaml", "actors.yaml", "signals.yaml"}


def test_a_folder_without_its_files_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no watch: it has no watch\.yaml"):
        load_watch(tmp_path)
    directory = folder(tmp_path)
    (tmp_path / "shared/signals.yaml").unlink()
    with pytest.raises(ConfigError, match=r"signals\.yaml: the file is missing"):
        load_watch(directory)


@pytest.mark.parametrize("directory", sorted(p.parent for p in (ROOT / "watches").glob("*/watch.yaml")), ids=lambda p: p.name)
def test_every_watch_that_comes_with_the_package_is_well(directory: Path) -> None:
    watch = load_watch(directory)
    assert watch.name == directory.name


def test_a_changed_copy_of_a_watch_is_another_watch_pickled_or_not(tmp_path: Path) -> None:
    watch = load_watch(folder(tmp_path))
    assert pickle.loads(pickle.dumps(watch)) is watch
    changed = watch.model_copy(update={"policy": Policy(quiet_hours=1)})
    assert changed != watch
    assert pickle.loads(pickle.dumps(changed)).policy.quiet_hours == 1
