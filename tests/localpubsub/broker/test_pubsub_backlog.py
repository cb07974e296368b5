"""Leases, redelivery and order, on the state machine alone. Times are in seconds here, microseconds there."""

from __future__ import annotations

import pytest

from localpubsub.broker.backlog import SPARE_LEASES, Backlog
from localpubsub.broker.deliveries import Consumer
from localpubsub.broker.topics import Message
from localpubsub.errors import InvalidArgument

SECOND = 1_000_000
LEASE = 10 * SECOND


def message(position: int, key: str = "", size: int = 0) -> Message:
    return Message.of(b"x" * size or b"x", key, position, position * SECOND)


def backlog_of(*messages: Message, ordered: bool = False) -> Backlog:
    backlog = Backlog(ordered)
    for each in messages:
        backlog.add(each)
    return backlog


def take(
    backlog: Backlog, consumer: Consumer | None = None, now: float = 0, most: int = 100, size: int = 10**9
) -> dict[int, str]:
    """Positions taken, in the order of delivery, each with its ack id."""
    taken = backlog.take(consumer or Consumer(), most, size, LEASE, round(now * SECOND))
    return {delivery.message.position: ack_id for ack_id, delivery in taken}


def test_messages_come_oldest_first_and_once() -> None:
    backlog = backlog_of(*(message(n) for n in (1, 2, 3)))
    assert list(take(backlog, most=2)) == [1, 2]
    assert list(take(backlog)) == [3]
    assert list(take(backlog)) == []


def test_an_acknowledged_message_is_gone() -> None:
    backlog = backlog_of(message(1), message(2))
    taken = take(backlog)
    backlog.acknowledge([taken[1]])
    assert len(backlog) == 1
    assert list(take(backlog, now=10)) == [2]
    assert backlog.bytes == message(2).size


def test_a_lease_that_ends_brings_the_message_back() -> None:
    backlog = backlog_of(message(1))
    take(backlog, now=0)
    assert backlog.next_due() == LEASE
    assert list(take(backlog, now=9.999)) == []
    assert list(take(backlog, now=10)) == [1]


def test_a_nack_brings_it_back_at_once_with_a_new_ack_id() -> None:
    backlog = backlog_of(message(1))
    first = take(backlog)
    backlog.modify_deadline([first[1]], 0, 0)
    second = take(backlog)
    assert list(second) == [1]
    assert second != first


def test_a_longer_lease_holds() -> None:
    backlog = backlog_of(message(1))
    taken = take(backlog, now=0)
    backlog.modify_deadline([taken[1]], 60 * SECOND, 5 * SECOND)
    assert backlog.next_due() == 65 * SECOND
    assert list(take(backlog, now=64)) == []
    assert list(take(backlog, now=65)) == [1]


def test_a_shorter_lease_holds_too() -> None:
    backlog = backlog_of(message(1))
    taken = take(backlog, now=0)
    backlog.modify_deadline([taken[1]], 2 * SECOND, SECOND)
    assert list(take(backlog, now=3)) == [1]
    assert list(take(backlog, now=10)) == [], "the first lease, which would have ended now, means nothing any more"


def test_a_late_acknowledgement_still_counts() -> None:
    backlog = backlog_of(message(1))
    first = take(backlog, now=0)
    take(backlog, now=10)
    backlog.acknowledge(first.values())
    assert len(backlog) == 0
    assert list(take(backlog, now=30)) == []


def test_a_late_nack_does_not_disturb_the_next_holder() -> None:
    backlog = backlog_of(message(1))
    first = take(backlog, now=0)
    take(backlog, now=10)
    backlog.modify_deadline(first.values(), 0, 11 * SECOND)
    assert list(take(backlog, now=12)) == []


@pytest.mark.parametrize("ack_id", ["", "bogus", "1.2.3", "0123456789abcdef.1", "0123456789abcdef.1.x"])
def test_what_was_never_an_ack_id_is_refused_before_anything_is_done(ack_id: str) -> None:
    backlog = backlog_of(message(1))
    good = take(backlog)[1]
    with pytest.raises(InvalidArgument):
        backlog.acknowledge([good, ack_id])
    with pytest.raises(InvalidArgument):
        backlog.modify_deadline([good, ack_id], 0, 0)
    assert len(backlog) == 1


def test_the_same_ack_id_twice_counts_once() -> None:
    backlog = backlog_of(message(1), message(2))
    taken = take(backlog)
    backlog.acknowledge([taken[1], taken[1]])
    backlog.acknowledge([taken[1]])
    assert backlog.bytes == message(2).size


def test_a_consumer_gets_no_more_than_its_message_limit_until_it_acknowledges() -> None:
    backlog = backlog_of(*(message(n) for n in range(1, 8)))
    consumer = Consumer(max_messages=3)
    held = take(backlog, consumer)
    assert list(held) == [1, 2, 3]
    assert list(take(backlog, consumer)) == []
    backlog.acknowledge([held[2]])
    assert list(take(backlog, consumer)) == [4]
    assert list(take(backlog, Consumer())) == [5, 6, 7], "others are not held up"


def test_a_consumer_gets_no_more_than_its_byte_limit_but_a_large_message_alone() -> None:
    backlog = backlog_of(message(1, size=9_000), message(2, size=2_000), message(3, size=2_000), message(4, size=2_000))
    consumer = Consumer(max_bytes=5_000)
    large = take(backlog, consumer)
    assert list(large) == [1]
    backlog.acknowledge(large.values())
    assert list(take(backlog, consumer)) == [2, 3]


def test_what_a_consumer_lets_expire_frees_its_limit() -> None:
    backlog = backlog_of(*(message(n) for n in range(1, 5)))
    consumer = Consumer(max_messages=2)
    take(backlog, consumer, now=0)
    assert list(take(backlog, consumer, now=10)) == [1, 2]
    assert consumer.messages == 2


def test_one_response_holds_no_more_bytes_than_asked_but_at_least_one_message() -> None:
    backlog = backlog_of(message(1, size=100), message(2, size=5_000), message(3, size=100))
    assert list(take(backlog, size=3_000)) == [1]
    assert list(take(backlog, size=3_000)) == [2]


def test_backoff_holds_a_nacked_message_and_grows() -> None:
    backlog = Backlog(backoff=lambda sent: sent * 5 * SECOND)
    backlog.add(message(1))
    first = take(backlog, now=0)
    backlog.modify_deadline(first.values(), 0, 0)
    assert backlog.next_due() == 5 * SECOND
    assert list(take(backlog, now=4.9)) == []
    second = take(backlog, now=5)
    backlog.modify_deadline(second.values(), 0, 5 * SECOND)
    assert list(take(backlog, now=14.9)) == []
    assert list(take(backlog, now=15)) == [1]


def test_a_replaced_backlog_ignores_ack_ids_given_out_before() -> None:
    backlog = backlog_of(message(1))
    consumer = Consumer(max_messages=1)
    before = take(backlog, consumer)
    backlog.replace([message(1)])
    backlog.acknowledge(before.values())
    assert list(take(backlog, consumer)) == [1], "nor does the consumer hold anything"


def test_old_messages_are_dropped_leased_or_not() -> None:
    backlog = backlog_of(*(message(n, key) for n, key in ((1, "a"), (2, "a"), (3, ""), (4, "a"))), ordered=True)
    consumer = Consumer(max_messages=2)
    take(backlog, consumer, now=5)
    assert backlog.drop_older(3 * SECOND) == 2
    assert consumer.messages == 0
    assert list(take(backlog, consumer, now=5)) == [3, 4]
    assert backlog.oldest() == 3 * SECOND


def test_acknowledged_leases_do_not_pile_up_until_they_would_have_ended() -> None:
    backlog = Backlog()
    for position in range(1, 3 * SPARE_LEASES):
        backlog.add(message(position))
        backlog.acknowledge(take(backlog).values())
    backlog.add(message(3 * SPARE_LEASES))
    take(backlog, now=1)
    assert len(backlog._leases) <= SPARE_LEASES + 2
    assert list(take(backlog, now=11)) == [3 * SPARE_LEASES], "the one that counts is kept"


class TestOrdering:
    def test_a_key_comes_in_order_and_may_come_at_once(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), message(3, "k"), ordered=True)
        assert list(take(backlog)) == [1, 2, 3]

    def test_while_some_of_a_key_are_out_nobody_else_gets_the_rest(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), message(3, "other"), message(4), ordered=True)
        holder, other = Consumer(), Consumer()
        held = take(backlog, holder, most=1)
        assert list(take(backlog, other)) == [3, 4]
        assert list(take(backlog, holder)) == [2], "the holder does"
        backlog.add(message(5, "k"))
        assert list(take(backlog, other)) == []
        backlog.acknowledge(held.values())
        assert list(take(backlog, other)) == [], "one of the key is still out"

    def test_a_key_is_free_again_when_all_that_was_out_is_acknowledged(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), message(3, "k"), ordered=True)
        held = take(backlog, Consumer(), most=2)
        backlog.acknowledge([held[2]])
        assert list(take(backlog, Consumer())) == []
        backlog.acknowledge([held[1]])
        assert list(take(backlog, Consumer())) == [3]

    def test_a_nack_brings_back_all_later_ones_of_the_key_the_acknowledged_included(self) -> None:
        backlog = backlog_of(*(message(n, "k") for n in range(1, 6)), message(6, "other"), ordered=True)
        held = take(backlog)
        backlog.acknowledge([held[1], held[4], held[6]])
        backlog.modify_deadline([held[2]], 0, 0)
        assert list(take(backlog)) == [2, 3, 4, 5]

    def test_what_was_acknowledged_and_came_back_must_be_acknowledged_again(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), ordered=True)
        first = take(backlog)
        backlog.acknowledge([first[2]])
        backlog.modify_deadline([first[1]], 0, 0)
        second = take(backlog)
        backlog.acknowledge([second[1]])
        assert [m.position for m in backlog.messages()] == [2]

    def test_who_once_had_a_key_does_not_get_the_rest_past_its_new_holder(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), ordered=True)
        once, now_holder = Consumer(), Consumer()
        held = take(backlog, once, now=0)
        backlog.modify_deadline([held[2]], 0, 0)
        assert list(take(backlog, now_holder, now=10, most=1)) == [1]
        assert list(take(backlog, once, now=10)) == []
        assert list(take(backlog, now_holder, now=10)) == [2]

    def test_an_expired_lease_does_the_same(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), ordered=True)
        holder = Consumer()
        first = take(backlog, holder, now=0, most=1)
        second = take(backlog, holder, now=5)
        backlog.acknowledge(second.values())
        assert list(take(backlog, Consumer(), now=10)) == [1, 2]
        backlog.acknowledge(first.values())
        assert len(backlog) == 2, "an old ack id must not tear a hole into the order"

    def test_an_acknowledgement_behind_an_open_message_is_kept(self) -> None:
        backlog = backlog_of(message(1, "k"), message(2, "k"), ordered=True)
        held = take(backlog)
        backlog.acknowledge([held[2]])
        assert [m.position for m in backlog.messages()] == [1]
        backlog.acknowledge([held[1]])
        assert len(backlog) == 0
        assert backlog.bytes == 0

    def test_dropping_old_messages_takes_nothing_from_the_rest_of_their_key(self) -> None:
        backlog = backlog_of(*(message(n, "k") for n in (1, 2, 3, 4)), ordered=True)
        taken = take(backlog, most=3)
        backlog.acknowledge([taken[2]])
        assert backlog.drop_older(3 * SECOND) == 1
        assert [each.position for each in backlog.messages()] == [3, 4]
        assert list(take(backlog, now=10)) == [3, 4]

    def test_a_backoff_holds_up_the_whole_key_and_nothing_else(self) -> None:
        backlog = Backlog(ordered=True, backoff=lambda sent: 5 * SECOND)
        for each in (message(1, "k"), message(2, "k"), message(3, "other")):
            backlog.add(each)
        held = take(backlog)
        backlog.modify_deadline([held[1], held[3]], 0, 0)
        backlog.add(message(4, "k"))
        backlog.add(message(5, "third"))
        assert list(take(backlog, now=4)) == [5]
        assert list(take(backlog, now=5)) == [1, 2, 3, 4]

    def test_flow_control_keeps_the_order(self) -> None:
        backlog = backlog_of(*(message(n, "k") for n in range(1, 6)), ordered=True)
        consumer = Consumer(max_messages=2)
        got: list[int] = []
        while held := take(backlog, consumer):
            got += held
            backlog.acknowledge(held.values())
        assert got == [1, 2, 3, 4, 5]

    def test_finished_keys_leave_nothing_behind(self) -> None:
        backlog = backlog_of(*(message(n, f"key {n}") for n in range(1, 101)), ordered=True)
        backlog.acknowledge(take(backlog).values())
        assert len(backlog) == 0
        assert not backlog._lines
