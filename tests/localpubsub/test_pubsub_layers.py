"""The folders of the server know each other in one direction only."""

import ast
from pathlib import Path

import pytest

import localpubsub

PACKAGE = Path(localpubsub.__file__).parent
KNOWS = {
    "protocol": set(),
    "schemas": set(),
    "store": {"errors"},
    "rules": {"errors", "protocol"},
    "broker": {"errors", "protocol", "rules", "schemas", "store"},
    "rpc": {"errors", "protocol", "rules", "store", "broker", "inspection"},
}


def imported(module: Path) -> set[str]:
    """What the module imports of the package, by the first name below it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "localpubsub":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("localpubsub."):
            found.add(str(node.module).split(".")[1])
    return found


def test_every_folder_is_told_of() -> None:
    assert {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")} == set(KNOWS)


@pytest.mark.parametrize("folder", KNOWS)
def test_a_folder_knows_only_those_below_it(folder: str) -> None:
    modules = list((PACKAGE / folder).glob("*.py"))
    assert modules
    for module in modules:
        assert imported(module) - {folder} <= KNOWS[folder], module.name


def test_only_what_speaks_to_clients_knows_an_event_loop() -> None:
    loops = {m.relative_to(PACKAGE).parts[0] for m in PACKAGE.rglob("*.py") if "asyncio" in m.read_text(encoding="utf-8")}
    assert loops == {"rpc", "server.py"}
