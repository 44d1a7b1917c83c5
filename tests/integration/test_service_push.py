"""The real service pushes what its configuration says, and takes leave when it stops."""

import asyncio

import aioice.ice
import pytest
import uvicorn

from pipeline.service import Service
from tests.fakes.live_service import DEMO, SIZE, quick_settings
from tests.fakes.waiting import until
from tests.fakes.whip_server import WhipServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_a_view_is_pushed_for_as_long_as_the_service_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    sfu = WhipServer()
    server = uvicorn.Server(uvicorn.Config(sfu.app, port=0, log_level="critical", lifespan="off"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(), name="the SFU's HTTP")
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/whip/demo"
        push = {"camera": "demo", "view": "overlay", "url": url}
        webrtc = {"encoding": {"width": SIZE[1], "idle": 0}, "push": [push]}
        async with Service(quick_settings({"demo": DEMO}, webrtc=webrtc)) as service:
            frame = await sfu.frame()
            assert (frame.height, frame.width) == SIZE
            text = service.metrics.text().decode()
            assert f'livesal_push_up{{camera="demo",target="127.0.0.1:{port}",view="overlay"}} 1.0' in text
            assert not sfu.left.is_set()
        assert sfu.left.is_set()
        await sfu.close()
        server.should_exit = True
