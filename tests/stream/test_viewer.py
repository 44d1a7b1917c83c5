import asyncio

import pytest

from stream.encoder import EncodedPicture
from stream.errors import ClosedChannelError
from stream.viewer import Viewer


class Requests:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def picture(number: int, *, key: bool = False) -> EncodedPicture:
    return EncodedPicture(b"x", number, key)


async def started(viewer: Viewer) -> "asyncio.Task[EncodedPicture]":
    task = asyncio.get_running_loop().create_task(viewer.receive(), name="viewer under test")
    await asyncio.sleep(0)
    return task


async def test_it_starts_on_a_keyframe_that_it_asks_for() -> None:
    requests = Requests()
    viewer = Viewer(requests)
    viewer.offer(picture(0, key=True))  # before it looks: not kept
    first = await started(viewer)
    assert requests.count == 1
    viewer.offer(picture(1))
    viewer.offer(picture(2, key=True))
    viewer.offer(picture(3))
    assert (await first).timestamp == 2
    assert (await viewer.receive()).timestamp == 3
    assert viewer.dropped == 1


async def test_a_slow_one_loses_all_up_to_the_next_keyframe() -> None:
    requests = Requests()
    viewer = Viewer(requests, capacity=3)
    first = await started(viewer)
    viewer.offer(picture(0, key=True))
    await first
    for number in range(1, 6):
        viewer.offer(picture(number))
    viewer.offer(picture(6, key=True))
    assert (await viewer.receive()).timestamp == 6
    assert viewer.dropped == 5
    assert requests.count == 2


async def test_closing_ends_it_after_what_is_queued() -> None:
    viewer = Viewer(Requests())
    first = await started(viewer)
    viewer.offer(picture(0, key=True))
    viewer.offer(picture(1))
    viewer.close()
    assert (await first).timestamp == 0
    assert (await viewer.receive()).timestamp == 1
    with pytest.raises(ClosedChannelError):
        await viewer.receive()
