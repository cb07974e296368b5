"""Configuration files: YAML in, checked models out, and errors that name file, line and field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound="Settings")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML was built with libyaml


class Settings(BaseModel):
    """Base of every configuration model: frozen, and an unknown key is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one file. `line` counts from 1, 0 where the file as a whole is meant."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field + ': ' if self.field else ''}{self.message}"


class ConfigError(Exception):
    """All problems found in the files that were read."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return ConfigError, (self.problems,)


def read_text(path: Path) -> str:
    """The file's text. Raises ConfigError if it is missing, unreadable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([Problem(str(path), 0, "", "the file is missing")]) from None
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read: {e}")]) from None


def read_yaml(path: Path, model: type[M]) -> M:
    """The YAML file as a `model`. Raises ConfigError with one Problem per wrong field."""
    text = read_text(path)
    try:
        root = yaml.compose(text, Loader=LOADER)
        data = yaml.SafeLoader("").construct_document(root) if root else None
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        problem = getattr(e, "problem", None) or str(e)
        raise ConfigError([Problem(str(path), mark.line + 1 if mark else 0, "", f"is not YAML: {problem}")]) from None
    except ValueError as e:  # 2021-02-31 is YAML, and no date
        raise ConfigError([Problem(str(path), _unreadable(root), "", f"has a value that cannot be read: {e}")]) from None
    if root is None or not isinstance(data, dict):
        raise ConfigError([Problem(str(path), 1, "", f"must be a mapping of fields, not {type(data).__name__}")])
    repeated = _repeated_keys(root, path)
    if repeated:
        raise ConfigError(repeated)
    try:
        return model.model_validate(data)
    except ValidationError as e:
        problems = []
        for error in e.errors(include_url=False):
            loc = tuple(error["loc"])
            problems.append(
                Problem(str(path), _line(root, loc), ".".join(map(str, loc)), error["msg"].removeprefix("Value error, "))
            )
        raise ConfigError(problems) from None


def line_of(path: Path, loc: tuple[str | int, ...]) -> int:
    """The line on which the field at `loc` of a YAML file stands: for checks that span several files."""
    root = yaml.compose(read_text(path), Loader=LOADER)
    return _line(root, loc) if root else 0


def _line(node: yaml.Node, loc: tuple[str | int, ...]) -> int:
    line = node.start_mark.line
    for key in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(key)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _unreadable(node: yaml.Node | None) -> int:
    """The line of the first scalar that YAML's own constructor refuses, 0 if there is none."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except ValueError:
            return node.start_mark.line + 1
        return 0
    if not isinstance(node, yaml.CollectionNode):
        return 0
    children = (part for child in node.value for part in (child if isinstance(child, tuple) else (child,)))
    return next(filter(None, map(_unreadable, children)), 0)


def _repeated_keys(node: yaml.Node, path: Path) -> list[Problem]:
    problems = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                problems.append(Problem(str(path), key.start_mark.line + 1, str(key.value), "stands twice"))
            seen.add(key.value)
            problems += _repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            problems += _repeated_keys(value, path)
    return problems
