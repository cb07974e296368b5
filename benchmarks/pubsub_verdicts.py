"""Records what Google's emulator says of Avro schemas and messages: the yardstick of localpubsub/schemas.

    python benchmarks/pubsub_verdicts.py                # asks all of tests/data/schemas; alerts by today's schemas/alert.avsc
    python benchmarks/pubsub_verdicts.py --fuzz 500     # 500 invented schemas with 20 messages each, ours beside Google's

The emulator needs Java; tests replay the recording and need neither. Files, one JSON object a line:

- definitions.jsonl: `definition`, `google` (whether it accepts it), `ours` (why we do not, where we are stricter)
- messages.jsonl: `schema`, `messages`: triples of encoding, data (Latin-1 text: one character is one byte), verdict
- alerts.jsonl: first `schema`; then alerts, each `message` and `google`; then malformed ones, each an alert by its index with
  the bytes `from`:`to` replaced by `put` (Latin-1)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.pubsub_v1 import types

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.avro_samples import Samples
from benchmarks.pubsub_endpoints import find_emulator, google_emulator
from localpubsub.schemas import SchemaError, parse

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests/data/schemas"
ALERTS = 200
SEED = 20211110

Verdicts = Callable[[list[tuple[str, str, bytes]]], list[bool]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emulator", default="", help="path of cloud-pubsub-emulator (default: where the SDK has it)")
    parser.add_argument("--fuzz", type=int, default=0, metavar="SCHEMAS", help="compare on invented schemas, record nothing")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    program = find_emulator(options.emulator)
    if program is None:
        sys.exit("Google's emulator is not installed: gcloud components install pubsub-emulator, and Java")
    with google_emulator(program) as server, Google(server.address) as google:
        if options.fuzz:
            sys.exit(fuzz(google, options.fuzz, options.seed))
        record_definitions(google)
        record_messages(google)
        record_alerts(google, options.seed)


class Google(contextlib.AbstractContextManager["Google"]):
    """Questions to the emulator, several at a time."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        service = "/google.pubsub.v1.SchemaService"
        self.validate_schema = self.channel.unary_unary(
            f"{service}/ValidateSchema", types.ValidateSchemaRequest.serialize, types.ValidateSchemaResponse.deserialize
        )
        self.validate_message = self.channel.unary_unary(
            f"{service}/ValidateMessage", types.ValidateMessageRequest.serialize, types.ValidateMessageResponse.deserialize
        )
        self.pool = ThreadPoolExecutor(4)

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()
        self.channel.close()

    def accepts_schema(self, definition: str) -> bool:
        request = types.ValidateSchemaRequest(parent="projects/ask", schema=_avro(definition))
        return _accepted(lambda: self.validate_schema(request, timeout=30, wait_for_ready=True))

    def accepts(self, definition: str, encoding: str, data: bytes) -> bool:
        request = types.ValidateMessageRequest(
            parent="projects/ask", schema=_avro(definition), message=data, encoding=types.Encoding[encoding]
        )
        return _accepted(lambda: self.validate_message(request, timeout=30, wait_for_ready=True))

    def accepts_all(self, cases: list[tuple[str, str, bytes]]) -> list[bool]:
        return list(self.pool.map(lambda case: self.accepts(*case), cases))


def _avro(definition: str) -> types.Schema:
    return types.Schema(type_=types.Schema.Type.AVRO, definition=definition)


def _accepted(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT and error.code() is not grpc.StatusCode.UNKNOWN:
            raise
        return False
    return True


def record_definitions(google: Google) -> None:
    cases = _read("definitions.jsonl")
    for case in cases:
        case["google"] = google.accepts_schema(case["definition"])
    _write("definitions.jsonl", cases)


def record_messages(google: Google) -> None:
    cases = _read("messages.jsonl")
    for case in cases:
        questions = [(json.dumps(case["schema"]), encoding, data.encode("latin-1")) for encoding, data, _ in case["messages"]]
        verdicts = google.accepts_all(questions)
        case["messages"] = [[e, d, v] for (e, d, _), v in zip(case["messages"], verdicts, strict=True)]
    _write("messages.jsonl", cases)


def record_alerts(google: Google, seed: int) -> None:
    schema = json.loads((ROOT / "schemas/alert.avsc").read_text(encoding="utf-8"))
    definition = json.dumps(schema)
    samples = Samples(seed)
    values = [samples.value(schema) for _ in range(ALERTS)]
    texts = [json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in values]
    verdicts = google.accepts_all([(definition, "JSON", text) for text in texts])
    lines: list[dict[str, Any]] = [{"schema": schema}]
    lines += [{"message": text.decode(), "google": verdict} for text, verdict in zip(texts, verdicts, strict=True)]
    patches = [_malformed(samples, index, values[index], texts[index]) for index in range(ALERTS)]
    verdicts = google.accepts_all([(definition, "JSON", patched(texts[patch["alert"]], patch)) for patch in patches])
    lines += [patch | {"google": verdict} for patch, verdict in zip(patches, verdicts, strict=True)]
    _write("alerts.jsonl", lines)


def _malformed(samples: Samples, index: int, value: Any, text: bytes) -> dict[str, Any]:
    """The alert with one value damaged, or one byte, as a patch of its text."""
    while True:
        if samples.random.random() < 0.7:
            other = json.dumps(samples.damage(value), ensure_ascii=False, separators=(",", ":")).encode()
        else:
            other = samples.corrupt(text)
        if other != text:
            return {"alert": index} | _patch(text, other)


def _patch(text: bytes, other: bytes) -> dict[str, Any]:
    start = 0
    while start < min(len(text), len(other)) and text[start] == other[start]:
        start += 1
    same = 0
    while same < min(len(text), len(other)) - start and text[-1 - same] == other[-1 - same]:
        same += 1
    return {"from": start, "to": len(text) - same, "put": other[start : len(other) - same].decode("latin-1")}


def patched(text: bytes, patch: dict[str, Any]) -> bytes:
    return text[: patch["from"]] + patch["put"].encode("latin-1") + text[patch["to"] :]


def fuzz(google: Google, schemas: int, seed: int) -> str | None:
    """Prints each difference between Google's verdict and ours. Returns how many, or None."""
    samples = Samples(seed)
    asked = different = 0
    for _ in range(schemas):
        schema = samples.schema()
        definition = json.dumps(schema)
        ours = _ours(lambda definition=definition: parse(definition))
        if google.accepts_schema(definition) != ours:
            different += 1
            print("schema", definition, "ours:", ours)
        if not ours:
            continue
        cases = [(definition, *case) for case in _messages(samples, schema)]
        parsed = parse(definition)
        for case, verdict in zip(cases, google.accepts_all(cases), strict=True):
            asked += 1
            if verdict != _ours(lambda case=case, parsed=parsed: parsed.check(case[2], case[1])):
                different += 1
                print("message", *case, "google:", verdict)
    print(f"{asked} messages, {different} differences")
    return f"{different} differences" if different else None


def _messages(samples: Samples, schema: Any) -> Iterator[tuple[str, bytes]]:
    for _ in range(12):
        value = samples.value(schema)
        for _ in range(samples.random.choice((0, 1, 1, 1, 2))):
            value = samples.damage(value)
        text = samples.text(value)
        yield "JSON", samples.corrupt(text) if samples.random.random() < 0.2 else text
    for _ in range(8):
        data = samples.binary(schema, samples.value(schema))
        yield "BINARY", samples.corrupt(data) if samples.random.random() < 0.7 else data


def _ours(judge: Callable[[], Any]) -> bool:
    try:
        judge()
    except SchemaError:
        return False
    return True


def _read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def _write(name: str, lines: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
