"""A viewer that cannot reach livesal's addresses is served through a TURN relay, whose credentials livesal tells it."""

import asyncio
from pathlib import Path

import aioice.ice
import pytest

from configs.output import WebRtcSettings
from stream.metrics import Metrics
from stream.offer import read_offer
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.player import Player, candidates
from tests.fakes.preview_service import SIZE, publish_pattern
from tests.fakes.turn_server import PASSWORD, USER, turn_server

pytestmark = pytest.mark.integration


async def test_a_view_is_relayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.1"]
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: addresses)
    async with turn_server(tmp_path) as url, asyncio.TaskGroup() as tasks:
        servers = [{"url": url, "username": USER, "credential": PASSWORD}]
        settings = WebRtcSettings.model_validate({"ice_servers": servers, "encoding": {"width": SIZE[1], "idle": 0}})
        async with (
            ViewHub(settings.encoding, Metrics()) as hub,
            WebRtcSessions(hub, settings) as sessions,
            Player() as player,
        ):
            hub.add_camera("front")
            showing = tasks.create_task(publish_pattern(hub), name="publish the pattern")
            offer = await player.offer()
            addresses.clear()  # from here on nothing of livesal's can be reached but the relay
            session = await sessions.open("front", "final", read_offer(offer.encode()))
            assert [line.split()[7] for line in candidates(session.answer)] == ["relay"]
            await player.accept(session.answer)
            frame = await player.frame()
            assert (frame.height, frame.width) == SIZE
            showing.cancel()
