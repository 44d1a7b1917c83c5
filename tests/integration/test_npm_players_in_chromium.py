"""WHEP players that nobody here wrote play a view, on a page of another origin, with a token."""

import asyncio
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from playwright.async_api import Page

from tests.fakes.chromium import chromium
from tests.fakes.npm_clients import bundle
from tests.fakes.preview_service import PreviewService, preview_service
from tests.fakes.waiting import until
from tests.fakes.web_server import files, web_server

pytestmark = pytest.mark.integration

TOKEN = "a long secret"  # noqa: S105 - of a test
CLIENTS = """
export { WebRTCPlayer } from "@eyevinn/webrtc-player";
export { WHEPClient } from "whip-whep/whep.js";
"""
START = {
    "@eyevinn/webrtc-player": """async ([endpoint, token]) => {
      const { WebRTCPlayer } = window.clients;
      const video = document.querySelector("video");
      const player = new WebRTCPlayer({ video, type: "whep", iceServers: [] });
      await player.load(new URL(endpoint), `Bearer ${token}`);
      window.leave = () => player.unload();
    }""",
    "whip-whep": """async ([endpoint, token]) => {
      const { WHEPClient } = window.clients;
      const video = document.querySelector("video");
      const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
      connection.addTransceiver("audio", { direction: "recvonly" });
      connection.addTransceiver("video", { direction: "recvonly" });
      connection.ontrack = ({ track }) => { video.srcObject = new MediaStream([track]); };
      const client = new WHEPClient();
      await client.view(connection, endpoint, token);
      window.leave = () => client.stop();
    }""",
}
"""How each is started, after its own documentation."""

START_ANEW = """() => {
  const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true });
  document.querySelector("video").replaceWith(video);
}"""

FRAMES = """async (count) => {
  const video = document.querySelector("video");
  while (video.getVideoPlaybackQuality().totalVideoFrames < count) {
    await new Promise((seen) => video.requestVideoFrameCallback(seen));
  }
}"""


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PreviewService]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with preview_service(tokens=(TOKEN,)) as service:
        yield service


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of another origin with a video and the players."""
    script = await asyncio.to_thread(bundle, CLIENTS)
    html = b"<!doctype html><video muted autoplay></video>"
    async with web_server(files({"/": html})) as address, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"http://{address}/")
        await page.add_script_tag(content=script)
        yield page


async def test_they_play_and_say_goodbye(service: PreviewService, page: Page) -> None:
    endpoint = f"{service.url}/cameras/front/final/whep"
    for name, start in START.items():
        await page.evaluate(START_ANEW)
        await page.evaluate(start, [endpoint, TOKEN])
        await page.evaluate(FRAMES, 10)
        (encoder,) = service.hub.encoders
        assert (encoder.codec, encoder.viewers, len(service.sessions)) == ("h264", 1, 1), name
        await page.evaluate("window.leave()")
        await until(lambda: len(service.sessions) == 0)
