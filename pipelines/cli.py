"""vedette: the command. Each subcommand is a module, imported only when it is asked for."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings

from schemas.config import ConfigError

COMMANDS = {  # name: (module, or module:function if it is not `run`, what it does)
    "collect": ("pipelines.collect", "poll feeds and publish their new entries (streaming)"),
    "detect": ("pipelines.detect", "read entries, fold them into stories, publish alerts (streaming)"),
    "monitor": ("pipelines.monitor", "collect and detect in one graph (streaming, for one Dataflow job)"),
    "backtest": ("pipelines.backtest", "what the detector says of recorded entries"),
    "subscribe": ("pipelines.subscribe", "print alerts as a subscriber receives them"),
    "explain": ("pipelines.explain", "show a text with its actors and signals highlighted, and why each was read"),
    "why": ("pipelines.why", "what became of an entry, and why it did or did not alert"),
    "topics apply": ("pipelines.topics.commands:run_apply", "make topics, subscriptions and schemas as a file declares them"),
    "topics status": ("pipelines.topics.commands:run_status", "topics, subscriptions, backlogs and dead letters"),
    "feeds check": ("pipelines.check:run_feeds", "poll each feed of an OPML file once and say what is wrong"),
    "watch check": ("pipelines.check:run_watch", "check all files of a watch"),
    "run": ("pipelines.local", "everything together on this machine, with recorded feeds (make run)"),
}


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; the exit status: 0, or 2 with a sentence on standard error for what a person can mend."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if argv else 2
    name = argv.pop(0)
    if name in {command.split()[0] for command in COMMANDS if " " in command}:
        name = f"{name} {argv.pop(0) if argv else ''}".strip()
    if name not in COMMANDS:
        print(f"vedette: there is no command {name!r}\n\n{usage()}", file=sys.stderr)
        return 2
    _quiet()
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    from pipelines.options import STREAMING, UsageError, help_of

    if name in STREAMING and {"-h", "--help"} & set(argv):
        print(help_of(name))
        return 0
    module, _, function = COMMANDS[name][0].partition(":")
    try:
        status = getattr(importlib.import_module(module), function or "run")(argv)
    except (UsageError, ConfigError) as e:
        print(f"vedette {name}: {e}", file=sys.stderr)
        status = 2
    except (GoogleAPICallError, GoogleAuthError) as e:
        print(f"vedette {name}: Google Cloud refused: {e}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130
    if name in STREAMING:
        from pipelines.running import leave

        leave(status)
    return int(status)


def usage() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  vedette {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
    return f"vedette: a streaming watch on the news\n\n{lines}\n\n`vedette COMMAND --help` tells the options of each."


def _quiet() -> None:
    """Log lines for a person: ours from INFO, the libraries' from WARNING; VEDETTE_LOG sets another level for ours."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", datefmt="%H:%M:%S")
    level = os.environ.get("VEDETTE_LOG", "INFO").upper()
    for ours in ("pipelines", "transforms", "schemas", "localpubsub"):
        logging.getLogger(ours).setLevel(level)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)


if __name__ == "__main__":
    sys.exit(main())
