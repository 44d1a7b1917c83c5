import asyncio
import threading
from collections.abc import Callable

import pytest

from stream.channel import Overflow
from stream.errors import ClosedChannelError
from stream.hand_off import HandOff


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


async def test_all_items_arrive_in_order_where_the_thread_waits() -> None:
    hand_off = HandOff[int](2, Overflow.WAIT)

    def work() -> None:
        for number in range(200):
            hand_off.put(number)
        hand_off.end()

    in_thread(work)
    assert [item async for item in hand_off] == list(range(200))
    assert hand_off.dropped == 0


async def test_the_newest_item_wins_and_each_replaced_one_is_counted() -> None:
    hand_off = HandOff[int](1, Overflow.DROP_OLDEST)
    for number in range(5):
        await asyncio.to_thread(hand_off.put, number)
    await asyncio.to_thread(hand_off.end)
    assert [item async for item in hand_off] == [4]
    assert hand_off.dropped == 4


async def test_an_error_comes_after_what_was_queued() -> None:
    hand_off = HandOff[int](2, Overflow.WAIT)
    await asyncio.to_thread(hand_off.put, 1)
    await asyncio.to_thread(hand_off.end, OSError("gone"))
    assert await anext(hand_off) == 1
    with pytest.raises(OSError, match="gone"):
        await anext(hand_off)


async def test_closing_frees_a_thread_that_waits_for_room() -> None:
    hand_off = HandOff[int](1, Overflow.WAIT)
    refused = threading.Event()

    def work() -> None:
        try:
            hand_off.put(1)
            hand_off.put(2)
        except ClosedChannelError:
            refused.set()

    in_thread(work)
    assert await anext(hand_off) in (1, 2)
    hand_off.close()
    await asyncio.to_thread(hand_off.closed_within, 10)
    with pytest.raises(ClosedChannelError):
        await asyncio.to_thread(hand_off.put, 3)


async def test_closing_ends_a_timed_wait_of_the_thread() -> None:
    hand_off = HandOff[int](1, Overflow.WAIT)
    waiting = asyncio.ensure_future(asyncio.to_thread(hand_off.closed_within, 3600))
    await asyncio.sleep(0)
    hand_off.close()
    assert await waiting
