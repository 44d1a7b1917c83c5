import asyncio

from stream.channel import Channel, Overflow


async def test_peeking_waits_shows_the_newest_and_takes_nothing() -> None:
    channel = Channel[int](1, Overflow.DROP_OLDEST)
    async with asyncio.TaskGroup() as tasks:
        peeking = tasks.create_task(channel.peek(), name="peek")
        await channel.send(1)
        assert await peeking == 1
    await channel.send(2)
    assert await channel.peek() == 2
    assert await channel.receive() == 2
    await channel.close()
    assert await channel.peek() is None


async def test_what_is_queued_can_be_peeked_at_after_the_end() -> None:
    channel = Channel[int](2)
    await channel.send(1)
    await channel.close()
    assert await channel.peek() == 1
    assert [item async for item in channel] == [1]
    assert await channel.peek() is None
