"""A view that is pushed to a real SFU comes out there again.

Janus uses no loopback address, and neither is aioice told to: both are met at the machine's own.
"""

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

from configs.output import EncodingSettings, WebRtcSettings
from configs.webrtc import PushSettings
from stream.metrics import Metrics
from stream.push import Push
from stream.views import ViewHub
from tests.fakes.janus import janus
from tests.fakes.preview_service import QUADRANTS, SIZE, publish_pattern

pytestmark = pytest.mark.integration

TOKEN = "of the SFU"  # noqa: S105 - of a test


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_janus_takes_a_view_and_serves_it_to_its_viewers(tmp_path: Path, codec: str) -> None:
    metrics = Metrics()
    encoding = EncodingSettings(width=SIZE[1], idle=0)
    async with janus(tmp_path, TOKEN) as sfu, ViewHub(encoding, metrics) as hub, asyncio.TaskGroup() as tasks:
        hub.add_camera("front")
        settings = PushSettings.model_validate(
            {"camera": "front", "view": "final", "url": sfu.whip, "token": TOKEN, "codec": codec}
        )
        push = Push(settings, WebRtcSettings(encoding=encoding), hub, metrics)
        showing = tasks.create_task(publish_pattern(hub), name="publish the pattern")
        tasks.create_task(push.run(), name=push.name)
        port = httpx.URL(sfu.whip).port
        labels = {"camera": "front", "view": "final", "target": f"127.0.0.1:{port}"}
        while not metrics.registry.get_sample_value("livesal_push_up", labels):  # noqa: ASYNC110 - a gauge is no event
            await asyncio.sleep(0.01)
        (publisher,) = await sfu.publishers()
        image = (await sfu.frame(publisher)).to_ndarray(format="rgb24")
        assert image.shape == (*SIZE, 3)
        corners = [image[30, 40], image[30, -40], image[-30, 40], image[-30, -40]]
        assert np.abs(np.array(corners, int) - np.array(QUADRANTS)).max() < 20
        assert [encoder.viewers for encoder in hub.encoders] == [1], "Janus has the viewers, livesal encodes once"
        push.close()
        while await sfu.publishers():  # noqa: ASYNC110 - Janus tells no one
            await asyncio.sleep(0.01)
        showing.cancel()
