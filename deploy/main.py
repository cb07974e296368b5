"""What the flex-template launcher runs: the template's parameters in, the arguments of one `vedette` command out.

The launcher calls this file with `--NAME=VALUE` for each parameter of metadata.json and with Beam's own options. Nothing
that a pipeline refers to is defined here: a worker could not load it from `__main__`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

PIPELINES = ("monitor", "collect", "detect")
FLAGS = ("alert_on_backfill", "all_topics", "full_text")
"""Options without a value; a template's parameter always has one."""
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class ParameterError(Exception):
    """A parameter that cannot be used, in words for who launched the template."""


def command(argv: list[str], environ: Mapping[str, str]) -> list[str]:
    """The arguments of the `vedette` command, its name first. Raises ParameterError.

    `pipeline` names the command (default: monitor). `replace_running_job` becomes Beam's `--update`, without which the
    launcher of `detect` would move the subscription that the running job reads. An empty value is no value.
    """
    given: dict[str, str] = {}
    rest: list[str] = []
    for argument in argv:
        name, is_pair, value = argument.removeprefix("--").partition("=")
        if argument.startswith("--") and is_pair and name in ("pipeline", "replace_running_job", *FLAGS):
            given[name] = value.strip()
        elif argument.startswith("--") and is_pair and not value:
            continue
        else:
            rest.append(argument)

    pipeline = given.pop("pipeline", "") or "monitor"
    if pipeline not in PIPELINES:
        raise ParameterError(f"pipeline={pipeline}: there is {', '.join(PIPELINES)}")
    if _names(rest) & {"allow_local_addresses", "allow-local-addresses"}:
        raise ParameterError("allow_local_addresses: a worker's local addresses are Google's own and give away its credentials")
    if _flag(given.pop("replace_running_job", ""), "replace_running_job"):
        rest.append("--update")
    rest += [f"--{name}" for name, value in given.items() if _flag(value, name)]
    if pipeline != "detect" and "ticks" not in _names(rest):
        rest.append("--ticks=impulse")  # the launcher ends once the job runs: nobody would publish ticks
    image = environ.get("VEDETTE_IMAGE", "")
    if image and "sdk_container_image" not in _names(rest):
        rest.append(f"--sdk_container_image={image}")
    return [pipeline, *rest]


def _names(arguments: list[str]) -> set[str]:
    return {a.removeprefix("--").partition("=")[0] for a in arguments if a.startswith("--")}


def _flag(value: str, name: str) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ParameterError(f"{name}={value}: give true or false")


if __name__ == "__main__":
    try:
        arguments = command(sys.argv[1:], os.environ)
    except ParameterError as e:
        sys.exit(f"vedette: {e}")
    from pipelines.cli import main

    sys.exit(main(arguments))
