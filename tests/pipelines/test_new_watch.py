"""`vedette watch new`: a watch to begin with, that is right and has nothing of the other's but its configuration."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.new_watch import renamed
from schemas.watch import load_watch

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "watches/taiwan-strait"


@pytest.fixture
def beside_shared(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "watches/shared", tmp_path / "watches/shared")
    return tmp_path / "watches"


def test_it_is_right_and_has_its_own_name_and_no_recording(beside_shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = beside_shared / "my-crisis"
    assert cli.main(["watch", "new", str(made), "--from", str(MODEL)]) == 0
    assert f"vedette watch check {made}" in capsys.readouterr().out
    watch, model = load_watch(made), load_watch(MODEL)
    assert watch.name == "my-crisis"
    assert watch.model_dump(exclude={"name"}) == model.model_dump(exclude={"name"})
    assert {path.name for path in made.iterdir()} == {"watch.yaml", "actors.yaml", "feeds.opml"}
    assert cli.main(["watch", "check", str(made)]) == 0


def test_what_is_still_the_other_watchs_is_told(beside_shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = beside_shared / "my-crisis"
    assert cli.main(["watch", "new", str(made), "--from", str(MODEL)]) == 0
    capsys.readouterr()
    assert cli.main(["watch", "check", str(made)]) == 0
    out = capsys.readouterr().out
    assert "warning: the same as in taiwan-strait: title, sides, relevance, feeds.opml." in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    head = made / "watch.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace("title: ", "title: Not the "), encoding="utf-8")
    assert cli.main(["watch", "check", str(made)]) == 0
    assert "warning: the same as in taiwan-strait: sides, relevance, feeds.opml." in capsys.readouterr().out


def test_the_watches_that_come_with_the_package_have_nothing_of_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["watch", "check", str(MODEL)]) == 0
    assert "warning" not in capsys.readouterr().out


def test_where_an_actor_in_no_list_is_added_is_told(beside_shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = beside_shared / "my-crisis"
    assert cli.main(["watch", "new", str(made), "--from", str(MODEL)]) == 0
    head = made / "watch.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace("target: [", "target: [Narnia, "), encoding="utf-8")
    assert cli.main(["watch", "check", str(made)]) == 1
    assert (
        f"add it to {made / 'actors.yaml'}, under `actors:`, such as - {{name: Narnia, kind: state}}" in capsys.readouterr().out
    )


def test_comments_inside_stay_and_the_one_at_the_head_goes() -> None:
    text = "# About the islands.\n# More.\n\nname: islands  # a comment\n# sides\nsides: {}\n"
    assert renamed(text, "straits") == (
        "# Begun from islands: what is not changed below is still about that.\nname: straits\n# sides\nsides: {}\n"
    )


@pytest.mark.parametrize(
    ("directory", "model", "complaint"),
    [
        ("watches/My Crisis", "taiwan-strait", "'My Crisis' is no name of a watch"),
        ("watches/shared", "taiwan-strait", "is there already"),
        ("elsewhere/my-crisis", "taiwan-strait", "elsewhere/shared is missing"),
        ("watches/my-crisis", "atlantis", "there is no such folder"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    beside_shared: Path, directory: str, model: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(beside_shared.parent.rglob("*"))
    assert cli.main(["watch", "new", str(beside_shared.parent / directory), "--from", model]) == 2
    assert complaint in capsys.readouterr().err
    assert sorted(beside_shared.parent.rglob("*")) == before
