"""Several cameras in one service: what they share, and that each gets its part."""

import threading

import psutil
import pytest

from pipeline.service import Service
from stream.events import AdaptationEvent
from tests.fakes.live_service import DEMO, quick_settings, told
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


async def test_cameras_share_networks_threads_and_the_child_and_each_gets_its_round() -> None:
    names = ("door", "garden", "yard")
    settings = quick_settings(
        {name: {"url": f"{DEMO}&seed={number}", "fps_limit": 5} for number, name in enumerate(names)},
        method={"threads": 2},
    )
    async with Service(settings) as service, service.subscribe() as events:
        done: set[str] = set()
        while done < set(names):
            event = await told(events, lambda event: isinstance(event, AdaptationEvent))
            assert isinstance(event, AdaptationEvent)
            if event.kind in {"swapped", "rejected"}:
                done.add(event.camera)
        await until(lambda: all(state.fps > 0 for state in service.cameras()))
        served = service._networks._served
        frame_threads = [thread for thread in threading.enumerate() if thread.name.startswith("frames")]
        children = psutil.Process().children()
        states = service.cameras()
    assert len(served) == 2, "one colour and one motion network for all"
    assert len(frame_threads) == 2
    assert len(children) == 1, "one child retrains for all"
    assert all(state.dropped["budget"] > 0 for state in states)
    assert all(state.error == "" for state in states)
