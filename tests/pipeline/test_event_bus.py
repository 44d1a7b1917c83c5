import asyncio

from pipeline.event_bus import EventBus
from stream.events import AdaptationEvent
from tests.fakes.mqtt_events import camera_state, region_event, swapped


async def test_every_listener_hears_every_event_from_when_it_came() -> None:
    bus = EventBus()
    await bus.publish(swapped())
    async with bus.subscribe() as first:
        await bus.publish(region_event("new"))
        async with bus.subscribe() as second:
            await bus.publish(camera_state())
            assert await second.receive() == camera_state()
        assert [await first.receive(), await first.receive()] == [region_event("new"), camera_state()]
    await bus.publish(swapped())
    assert bus.dropped == 0


async def test_states_are_told_but_not_remembered() -> None:
    bus = EventBus()
    for event in (swapped(), camera_state(), region_event("new")):
        await bus.publish(event)
    assert bus.recent() == (swapped(), region_event("new"))


async def test_what_is_remembered_is_bounded() -> None:
    bus = EventBus()
    for number in range(230):
        await bus.publish(_step(number))
    assert [event.media_time for event in bus.recent() if isinstance(event, AdaptationEvent)] == list(range(30, 230))


async def test_a_slow_listener_loses_its_oldest_and_holds_nobody_up() -> None:
    bus = EventBus()
    async with bus.subscribe() as slow, bus.subscribe() as quick:
        for number in range(300):
            await bus.publish(_step(number))
            assert await quick.receive() == _step(number)
        assert bus.dropped == 300 - 256
        assert await slow.receive() == _step(44)


async def test_closing_ends_every_listener() -> None:
    bus = EventBus()
    async with bus.subscribe() as listener:
        await bus.publish(swapped())
        async with asyncio.TaskGroup() as tasks:
            heard = tasks.create_task(_all(listener), name="listen")
            await bus.close()
        assert heard.result() == [swapped()], "what was queued is still heard"
        await bus.publish(swapped())


async def _all(listener: object) -> list[object]:
    return [event async for event in listener]  # type: ignore[attr-defined]


def _step(number: int) -> AdaptationEvent:
    return AdaptationEvent(camera="door", kind="keyframe", time=0, media_time=number, model_version=0)
