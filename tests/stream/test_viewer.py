import asyncio

import pytest

from stream.encoder import EncodedPicture
from stream.errors import ClosedChannelError
from stream.viewer import Viewer


def picture(number: int, *, key: bool = False) -> EncodedPicture:
    return EncodedPicture(b"x", number, key)


async def started(viewer: Viewer) -> "asyncio.Task[EncodedPicture]":
    task = asyncio.get_running_loop().create_task(viewer.receive(), name="viewer under test")
    await asyncio.sleep(0)
    return task


async def test_it_starts_on_a_keyframe_that_it_asks_for() -> None:
    viewer = Viewer()
    viewer.offer(picture(0, key=True), 0)  # before it looks: not kept
    assert not viewer.needs_keyframe(0)
    first = await started(viewer)
    assert viewer.needs_keyframe(0)
    lost = [viewer.offer(picture(number, key=number == 2), 0) for number in (1, 2, 3)]
    assert (await first).timestamp == 2
    assert (await viewer.receive()).timestamp == 3
    assert lost == [0, 0, 0], "what came before its first keyframe is no loss"
    assert not viewer.needs_keyframe(0)


async def test_a_slow_one_loses_all_up_to_the_next_keyframe() -> None:
    viewer = Viewer(capacity=3)
    first = await started(viewer)
    viewer.offer(picture(0, key=True), 0)
    await first
    lost = [viewer.offer(picture(number), 0) for number in range(1, 6)]
    assert lost == [0, 0, 0, 4, 1]
    assert viewer.needs_keyframe(0)
    assert viewer.offer(picture(6, key=True), 0) == 0
    assert (await viewer.receive()).timestamp == 6
    assert viewer.dropped == 5


async def test_its_losses_are_mended_once_a_second_at_most() -> None:
    viewer = Viewer()
    first = await started(viewer)
    viewer.offer(picture(0, key=True), 0)
    await first
    mended = []
    for tenth in range(25):
        viewer.request_keyframe()
        if viewer.needs_keyframe(tenth / 10):
            viewer.offer(picture(tenth, key=True), tenth / 10)
            mended.append(tenth)
    assert mended == [0, 10, 20], "the keyframe that it began with does not count"


async def test_closing_ends_it_after_what_is_queued() -> None:
    viewer = Viewer()
    first = await started(viewer)
    viewer.offer(picture(0, key=True), 0)
    viewer.offer(picture(1), 0)
    viewer.close()
    assert (await first).timestamp == 0
    assert (await viewer.receive()).timestamp == 1
    with pytest.raises(ClosedChannelError):
        await viewer.receive()
