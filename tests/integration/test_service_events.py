"""The real service: zones, history, pictures and clips of what really moves."""

from pathlib import Path

import av
import httpx
import pytest

from pipeline.service import Service
from stream.events import RegionEvent
from tests.fakes.live_service import DEMO, quick_settings, told
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def test_an_event_has_its_zone_its_picture_and_its_clip_and_outlives_the_service(tmp_path: Path) -> None:
    everywhere = {"points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    settings = quick_settings(
        {"demo": {"url": DEMO, "zones": {"everywhere": everywhere}}},
        adaptation={"enabled": False},
        events={
            "database": tmp_path / "events.sqlite",
            "clips": {"folder": tmp_path / "clips", "before": 1, "after": 0.2, "longest": 2, "free": 0},
        },
    )
    async with Service(settings) as service, httpx.AsyncClient(base_url=service.url) as client:
        async with service.subscribe() as events:
            begun = await told(events, lambda event: isinstance(event, RegionEvent) and event.type == "new")
            assert isinstance(begun, RegionEvent)
        assert begun.after.current_zones == ("everywhere",)
        await until(lambda: any((tmp_path / "clips").glob("*.mp4")))
        listed = (await client.get("/api/events/history?type=region&zone=everywhere")).json()["events"]
        recorded = next(event for event in listed if event["clip"])
        video = await client.get(recorded["clip"])
        picture = await client.get(recorded["snapshot"])
        metrics = (await client.get("/metrics")).text
    assert begun.after.id in {event["id"] for event in listed}
    assert picture.content.startswith(b"\xff\xd8")
    assert 'livesal_clips_total{camera="demo",result="written"}' in metrics
    (tmp_path / "got.mp4").write_bytes(video.content)
    with av.open(str(tmp_path / "got.mp4")) as clip:
        frames = list(clip.decode(video=0))
    assert len(frames) > 3
    assert (frames[0].width, frames[0].height) == (320, 180)
    async with Service(settings) as service, httpx.AsyncClient(base_url=service.url) as client:
        again = (await client.get("/api/events/history", params={"before": begun.after.start_time + 0.001})).json()
    assert begun.after.id in {event["id"] for event in again["events"]}
