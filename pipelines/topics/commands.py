"""`vedette topics apply` and `vedette topics status`: Pub/Sub as a file declares it, and as it is."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

from pipelines.pubsub import LocalOrReal
from pipelines.topics.applying import Target, apply, plan
from pipelines.topics.declaration import DEFAULT_FILE, WATCH, Declaration, read_declaration
from pipelines.topics.status import status
from pipelines.usage import UsageError, parser_of, project_or_local
from pipelines.wording import counted


def run_apply(argv: list[str]) -> int:
    """`vedette topics apply`: 0 if all is as declared now, 1 if something is not."""
    parser = parser_of(
        "topics apply",
        "Make topics, subscriptions and schemas as a file declares them. Creates and changes, never deletes.",
        epilog="+ is created, ~ is changed, ! cannot be changed or was refused (exit status 1).",
    )
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE, metavar="FILE",
                        help="default: the one of the package (deploy/topics.yaml)")  # fmt: skip
    parser.add_argument("--project", default="", help="Google Cloud project (default: that of the local endpoint)")
    parser.add_argument("--watch", action="append", default=[], metavar="W",
                        help=f"name of a watch, for subscriptions with {WATCH}; repeat it for several")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only look and tell")
    args = parser.parse_args(argv)
    declaration = read_declaration(args.file)
    watches = tuple(dict.fromkeys(Path(watch).name for watch in args.watch))
    for watch in watches:
        if not re.fullmatch(r"[A-Za-z0-9\-_.~+%]{1,200}", watch):
            raise UsageError(f"--watch {watch}: give the name of a watch, or its folder")
    project = project_or_local(args.project)
    pubsub = LocalOrReal()
    steps = list(plan(Target(pubsub, project, declaration, args.file, watches)))
    if args.dry_run:
        for step in steps:
            print(step)
        done, verb = sum(step.run is not None for step in steps), "to do"
    else:
        done, verb = apply(steps, print), "done"
    print(_summary(declaration, project, watches, f"{done} {verb}" if done else "nothing to do", len(steps) - done))
    if not pubsub.local and any(spec.dead_letter for _, _, spec in declaration.subscriptions(watches)):
        print(_grants(declaration, project, watches))
    return 0 if done == len(steps) else 1


def run_status(argv: list[str]) -> int:
    """`vedette topics status`: 0."""
    parser = parser_of(
        "topics status",
        "Topics and subscriptions, backlogs (of the embedded server), and dead letters by stage and reason. Dead "
        "letters are read through a subscription that is deleted again.",
    )
    parser.add_argument("--project", default="", help="Google Cloud project (default: that of the local endpoint)")
    parser.add_argument("--dead-letters-topic", default="dead-letters", help="default: dead-letters")
    args = parser.parse_args(argv)
    project = project_or_local(args.project)
    Console(highlight=False).print(status(LocalOrReal(), project, args.dead_letters_topic))
    return 0


def _summary(declaration: Declaration, project: str, watches: tuple[str, ...], told: str, left: int) -> str:
    declared = {
        "schema": len(declaration.schemas),
        "topic": len(declaration.topics),
        "subscription": len(list(declaration.subscriptions(watches))),
    }
    counts = ", ".join(counted(number, name) for name, number in declared.items())
    not_so = f", {left} not as declared" if left else ""
    named = [name for _, name, _ in declaration.subscriptions([WATCH]) if WATCH in name]
    waiting = f"\nno --watch was given, so this is left out: {', '.join(named)}" if named and not watches else ""
    return f"project {project}: {told}{not_so} ({counts} declared){waiting}"


def _grants(declaration: Declaration, project: str, watches: tuple[str, ...]) -> str:
    """Pub/Sub moves dead letters itself, as an account of its own that must be allowed to."""
    number = f"$(gcloud projects describe {project} --format='value(projectNumber)')"
    member = f'--member="serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"'
    lines: dict[str, None] = {}
    for _, name, spec in declaration.subscriptions(watches):
        if spec.dead_letter:
            topic = f"topics add-iam-policy-binding {spec.dead_letter.topic} --project={project}"
            lines[f"  gcloud pubsub {topic} {member} --role=roles/pubsub.publisher"] = None
            subscription = f"subscriptions add-iam-policy-binding {name} --project={project}"
            lines[f"  gcloud pubsub {subscription} {member} --role=roles/pubsub.subscriber"] = None
    return "dead letters move only if Pub/Sub's own account may (grant it once):\n" + "\n".join(lines)
