import asyncio

import pytest

from stream.mqtt_outbox import Outbox
from stream.mqtt_topics import Message


def _state(topic: str, payload: bytes = b"") -> Message:
    return Message(topic=topic, payload=payload)


def _event(payload: bytes) -> Message:
    return Message(topic="events", payload=payload, replaceable=False)


async def _drain(outbox: Outbox) -> list[Message]:
    messages = []
    while len(outbox):
        messages.append(await outbox.first())
        outbox.done(messages[-1])
    return messages


async def test_messages_leave_in_the_order_in_which_they_came() -> None:
    outbox = Outbox(10)
    sent = [_event(b"1"), _state("a"), _event(b"2")]
    for message in sent:
        outbox.put(message)
    assert await _drain(outbox) == sent
    assert outbox.dropped == {}


async def test_a_newer_state_takes_the_place_of_its_elder() -> None:
    outbox = Outbox(10)
    for message in (_state("a", b"old"), _event(b"1"), _state("a", b"new")):
        outbox.put(message)
    assert [message.payload for message in await _drain(outbox)] == [b"new", b"1"]
    assert outbox.dropped == {"superseded": 1}


async def test_states_go_before_events_and_each_drop_is_counted_with_its_cause() -> None:
    outbox = Outbox(3)
    for message in (_event(b"1"), _state("a"), _state("b"), _event(b"2"), _event(b"3"), _event(b"4"), _state("c")):
        outbox.put(message)
    assert [message.payload for message in await _drain(outbox)] == [b"2", b"3", b"4"]
    assert outbox.dropped == {"state-overflow": 3, "event-overflow": 1}


async def test_what_replaced_a_message_on_its_way_is_sent_too() -> None:
    outbox = Outbox(10)
    outbox.put(_state("motion", b"ON"))
    on_its_way = await outbox.first()
    outbox.put(_state("motion", b"OFF"))
    outbox.done(on_its_way)
    assert [message.payload for message in await _drain(outbox)] == [b"OFF"]


async def test_a_message_stays_until_it_is_done() -> None:
    outbox = Outbox(10)
    outbox.put(_event(b"1"))
    assert await outbox.first() is await outbox.first()


async def test_states_are_forgotten_and_events_stay() -> None:
    outbox = Outbox(10)
    for message in (_state("a"), _event(b"1"), _state("b")):
        outbox.put(message)
    outbox.forget_replaceable()
    assert [message.payload for message in await _drain(outbox)] == [b"1"]


async def test_waiting_for_a_message_and_for_none() -> None:
    outbox = Outbox(10)
    await outbox.emptied()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(outbox.first())
        await asyncio.sleep(0)
        assert not first.done()
        outbox.put(_event(b"1"))
    async with asyncio.TaskGroup() as tasks:
        emptied = tasks.create_task(outbox.emptied())
        await asyncio.sleep(0)
        assert not emptied.done()
        outbox.done(first.result())


def test_an_outbox_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 message, not 0"):
        Outbox(0)
