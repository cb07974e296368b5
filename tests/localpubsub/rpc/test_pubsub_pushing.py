"""Push subscriptions: what arrives at an endpoint, and what its answers do."""

from __future__ import annotations

import base64
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types
from official_clients import Cloud

PATIENCE = 20.0


@dataclass
class Post:
    """A request that arrived."""

    headers: dict[str, str]
    body: bytes

    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)["message"]
        return found

    def data(self) -> bytes:
        return base64.b64decode(self.message()["data"])


class Endpoint:
    """An HTTP server that answers with the statuses it is given, in order, then with 204."""

    def __init__(self) -> None:
        self.posts: queue.Queue[Post] = queue.Queue()
        self.statuses: list[int] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()
                endpoint.posts.put(Post({name.lower(): value for name, value in self.headers.items()}, body))

            def log_message(self, *arguments: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def config(self) -> types.PushConfig:
        return types.PushConfig(push_endpoint=f"http://127.0.0.1:{self.server.server_port}/push")

    def next(self) -> Post:
        return self.posts.get(timeout=PATIENCE)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


def test_a_message_arrives_wrapped_in_json(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic, push_config=endpoint.config)
    (id_,) = cloud.publish(topic, b"\x00data", key="k", kind="report")
    post = endpoint.next()
    assert post.headers["content-type"] == "application/json"
    assert json.loads(post.body)["subscription"] == subscription
    published = post.message()["publishTime"]
    assert post.message() == {
        "data": base64.b64encode(b"\x00data").decode(),
        "attributes": {"kind": "report"},
        "messageId": id_,
        "message_id": id_,
        "publishTime": published,
        "publish_time": published,
        "orderingKey": "k",
    }


def test_unwrapped_the_body_is_the_data_and_metadata_are_headers(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    config = endpoint.config
    config.no_wrapper = types.PushConfig.NoWrapper(write_metadata=True)
    subscription = cloud.subscription(topic, push_config=config)
    (id_,) = cloud.publish(topic, b"\x00data", **{"ce-id": "1"})
    post = endpoint.next()
    assert post.body == b"\x00data"
    assert post.headers["ce-id"] == "1"
    assert post.headers["x-goog-pubsub-message-id"] == id_
    assert post.headers["x-goog-pubsub-subscription-name"] == subscription


def test_an_answer_of_success_acknowledges_and_any_other_brings_the_message_again(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    endpoint.statuses = [500, 404, 301, 200]
    cloud.subscription(topic, push_config=endpoint.config)
    cloud.publish(topic, b"first")
    assert [endpoint.next().data() for _ in range(4)] == [b"first"] * 4
    cloud.publish(topic, b"second")
    assert endpoint.next().data() == b"second"


def test_what_an_endpoint_never_takes_is_a_dead_letter(cloud: Cloud, endpoint: Endpoint) -> None:
    grave, topic = cloud.topic(), cloud.topic()
    watch = cloud.subscription(grave)
    endpoint.statuses = [500] * 5
    policy = types.DeadLetterPolicy(dead_letter_topic=grave)
    cloud.subscription(topic, push_config=endpoint.config, dead_letter_policy=policy)
    cloud.publish(topic, b"poison")
    assert [json.loads(endpoint.next().body)["deliveryAttempt"] for _ in range(5)] == [1, 2, 3, 4, 5]
    got = cloud.subscriber.pull(subscription=watch, max_messages=1, timeout=PATIENCE, retry=None).received_messages
    assert [each.message.data for each in got] == [b"poison"]


def test_an_endpoint_that_nobody_listens_on_is_no_fault_of_the_server(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    nobody = types.PushConfig(push_endpoint="http://127.0.0.1:1/")
    subscription = cloud.subscription(topic, push_config=nobody)
    cloud.publish(topic, b"x")
    cloud.subscriber.modify_push_config(request={"subscription": subscription, "push_config": endpoint.config})
    assert endpoint.next().data() == b"x"


def test_a_subscription_changes_from_pull_to_push_and_back(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    subscription = cloud.subscription(topic)
    cloud.publish(topic, b"before")
    cloud.subscriber.modify_push_config(request={"subscription": subscription, "push_config": endpoint.config})
    assert endpoint.next().data() == b"before"
    assert cloud.subscriber.get_subscription(subscription=subscription).push_config == endpoint.config
    cloud.subscriber.modify_push_config(request={"subscription": subscription, "push_config": types.PushConfig()})
    cloud.publish(topic, b"after")
    got = cloud.subscriber.pull(subscription=subscription, max_messages=1, timeout=PATIENCE, retry=None).received_messages
    assert [each.message.data for each in got] == [b"after"]
    assert endpoint.posts.empty()


def test_a_later_server_goes_on_pushing(make_cloud: Callable[..., Cloud], endpoint: Endpoint, tmp_path: Path) -> None:
    first = make_cloud(data=tmp_path)
    topic = first.topic()
    first.subscription(topic, push_config=endpoint.config)
    first.server.stop()
    make_cloud(data=tmp_path).publish(topic, b"x")
    assert endpoint.next().data() == b"x"


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/x", "http://"])
def test_what_cannot_be_posted_to_is_refused(cloud: Cloud, url: str) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument, match="push_endpoint"):
        cloud.subscription(topic, push_config=types.PushConfig(push_endpoint=url))


def test_push_and_exactly_once_delivery_do_not_go_together(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument, match="exactly-once"):
        cloud.subscription(topic, push_config=endpoint.config, enable_exactly_once_delivery=True)
