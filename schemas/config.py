"""Configuration files: YAML in, checked models out, and errors that name file, line and field."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound="Settings")
Loc = tuple[str | int, ...]
"""Where a field stands: its name, after those of what it is in, and its place in lists."""
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
            problems.append(Problem(str(path), _line(root, loc), ".".join(map(str, loc)), _told(error, loc, model)))
        raise ConfigError(problems) from None


def _told(error: Mapping[str, Any], loc: Loc, model: type[BaseModel]) -> str:
    """What is wrong with a field, in words for whoever writes the file."""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    known = fields_at(model, loc[:-1])
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    if near:
        return f"unknown field: did you mean {near[0]}?"
    return f"unknown field: there are {', '.join(known)}" if known else "unknown field"


def fields_at(kind: Any, loc: Loc) -> tuple[str, ...]:
    """The names of the fields of the model that stands at `loc` of a model, () if none stands there."""
    kind = _plain(kind)
    for key in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind.model_fields.get(str(key))
            kind = found.annotation if found else None
        else:  # a list or a tuple of its first argument, a mapping to its second
            parts = get_args(kind)
            kind = parts[0 if isinstance(key, int) else -1] if parts else None
        kind = _plain(kind)
    return tuple(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else ()


def _plain(kind: Any) -> Any:
    """A type without what is said about it, and of an optional one the type that is not None."""
    while get_origin(kind) in (Annotated, Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return kind


def line_of(path: Path, loc: Loc) -> int:
    """The line on which the field at `loc` of a YAML file stands: for checks that span several files."""
    root = yaml.compose(read_text(path), Loader=LOADER)
    return _line(root, loc) if root else 0


def _line(node: yaml.Node, loc: Loc) -> int:
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
