"""vedette: the command. Each subcommand is a module, imported only when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import logging
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Iterable
from functools import partial

COMMANDS = {  # name: (module, or module:function if it is not `run`, what it does)
    "run": ("pipelines.local", "everything together on this machine, with recorded feeds (make run)"),
    "collect": ("pipelines.collect", "poll feeds and publish their new entries (streaming)"),
    "detect": ("pipelines.detect", "read entries, fold them into stories, publish alerts (streaming)"),
    "monitor": ("pipelines.monitor", "collect and detect in one graph (streaming, for one Dataflow job)"),
    "backtest": ("pipelines.backtest", "what the detector says of recorded entries"),
    "subscribe": ("pipelines.subscribe", "print alerts as a subscriber receives them"),
    "topics apply": ("pipelines.topics.commands:run_apply", "make topics, subscriptions and schemas as a file declares them"),
    "topics status": ("pipelines.topics.commands:run_status", "topics, subscriptions, backlogs and dead letters"),
    "why": ("pipelines.why", "what became of an entry, and why it did or did not alert"),
    "explain": ("pipelines.explain", "show a text with its actors and signals highlighted, and why each was read"),
    "feeds check": ("pipelines.check:run_feeds", "poll each feed of an OPML file once and say what is wrong"),
    "watch new": ("pipelines.new_watch", "make the folder of a new watch from that of another"),
    "watch check": ("pipelines.check:run_watch", "check all files of a watch"),
}
HELP = frozenset({"-h", "--help", "help"})


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; the exit status: 0, or 2 with a sentence on standard error for what a person can mend."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in HELP:
        print(usage())
        return 0 if argv else 2
    if argv[0] == "--version":
        from schemas.release import release

        print(f"vedette {release()}")
        return 0
    name = _name(argv)
    if name not in COMMANDS:
        return _unknown(name, argv)
    return _run(name, argv)


def usage(names: Iterable[str] = COMMANDS) -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  vedette {name:<{width}}  {COMMANDS[name][1]}" for name in names)
    closing = "`vedette COMMAND --help` tells the options of each, `vedette --version` the release."
    return f"vedette: a streaming watch on the news\n\n{lines}\n\n{closing}"


def _name(argv: list[str]) -> str:
    """The name of the command, taken from the arguments: one word or two."""
    name = argv.pop(0)
    if _group(name) and argv and not argv[0].startswith("-"):
        name = f"{name} {argv.pop(0)}"
    return name


def _group(word: str) -> list[str]:
    return [name for name in COMMANDS if name.startswith(f"{word} ")]


def _unknown(name: str, argv: list[str]) -> int:
    group = _group(name.split()[0])
    if name in {each.split()[0] for each in group} and (not argv or argv[0] in HELP):
        print(usage(group), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f": did you mean {near[0]!r}?" if near else f"\n\n{usage(group or COMMANDS)}"
    print(f"vedette: there is no command {name!r}{hint}", file=sys.stderr)
    return 2


def _run(name: str, argv: list[str]) -> int:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    from pipelines.usage import STREAMING, UsageError
    from schemas.config import ConfigError

    _quiet(told=name in STREAMING or "--verbose" in argv)
    if name in STREAMING and {"-h", "--help"} & set(argv):
        from pipelines.options import help_of

        print(help_of(name))
        return 0
    module, _, function = COMMANDS[name][0].partition(":")
    try:
        status = getattr(importlib.import_module(module), function or "run")(argv)
    except (UsageError, ConfigError) as e:
        _say(f"vedette {name}: {e}")
        status = 2
    except (GoogleAPICallError, GoogleAuthError) as e:
        _say(f"vedette {name}: Google Cloud refused: {e}")
        status = 2
    except KeyboardInterrupt:
        status = 130
    if name in STREAMING:
        from pipelines.running import leave

        leave(status)
    return int(status)


def _say(text: str) -> None:
    """A sentence on standard error, wrapped between words on a terminal. Indented lines are commands to copy and stay whole."""
    if sys.stderr.isatty():
        wrap = partial(textwrap.fill, width=shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(line if line.startswith(" ") else wrap(line) for line in text.split("\n"))
    print(text, file=sys.stderr)


def _quiet(told: bool) -> None:
    """Log lines for a person: the libraries' from WARNING, ours too, or from INFO where the course of things is told.

    VEDETTE_LOG sets another level for ours.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", datefmt="%H:%M:%S")
    level = os.environ.get("VEDETTE_LOG", "INFO" if told else "WARNING").upper()
    for ours in ("pipelines", "transforms", "schemas", "localpubsub"):
        logging.getLogger(ours).setLevel(level)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)


if __name__ == "__main__":
    sys.exit(main())
