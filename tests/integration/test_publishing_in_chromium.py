"""A browser's webcam as a camera of the real service: by its own page, and by a client that nobody here wrote."""

from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import pytest
from playwright.async_api import Browser, Page

from pipeline.service import Service
from stream.events import CameraState
from tests.fakes.chromium import chromium
from tests.fakes.live_service import quick_settings, told
from tests.fakes.waiting import until
from tests.fakes.web_server import files, web_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
NPM_CLIENT = ROOT / ".npm-clients" / "node_modules" / "whip-whep" / "whip.js"
_PATIENCE = 200_000.0  # milliseconds
TOKEN = "correct horse"  # noqa: S105 - of a test

_IS_GREEN = """(selector) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 9 });
  const context = canvas.getContext("2d");
  context.drawImage(document.querySelector(selector), 0, 0, 16, 9);
  const sums = [0, 0, 0, 0];
  context.getImageData(0, 0, 16, 9).data.forEach((value, index) => (sums[index % 4] += value / 144));
  return sums[1] > sums[0] + 20 && sums[1] > sums[2] + 20;
}"""
"""Whether a video shows Chromium's fake webcam, which is mostly green."""

_PUBLISH = """async ([endpoint, token]) => {
  const { WHIPClient } = await import("/whip.js");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
  const connection = (window.connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
  for (const track of stream.getTracks()) {
    connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  }
  window.client = new WHIPClient();
  await window.client.publish(connection, endpoint, token);
}"""


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    settings = quick_settings({"desk": "whip://"}, http={"port": 0, "tokens": [TOKEN]})
    async with Service(settings) as service:
        yield service


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium(webcam=True) as browser:
        yield browser


async def _patient_page(browser: Browser) -> Page:
    """Return a page that waits as long as the test may take."""
    context = await browser.new_context()
    context.set_default_timeout(_PATIENCE)
    return await context.new_page()


async def test_the_page_publishes_the_webcam_and_shows_what_stands_out(service: Service, browser: Browser) -> None:
    page = await _patient_page(browser)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{service.url}/publish")
    await page.fill("#sign-in input", TOKEN)
    await page.click("#sign-in button")
    await page.wait_for_function("document.querySelector('#camera').value === 'desk'")
    assert "nobody publishes" in service.camera("desk").error

    await page.select_option("#size", "360")
    await page.click("#start")
    await page.wait_for_function("document.querySelector('#state').textContent === 'publishing'")
    for video in ("#own", "#seen"):
        await page.wait_for_function(_IS_GREEN, arg=video)
    await until(lambda: service.camera("desk").frames > 5)
    state = service.camera("desk")
    assert (state.source, state.error) == ("up", "")
    assert state.width / state.height == pytest.approx(16 / 9, abs=0.02)
    assert "640 × 360" in await page.inner_text("#own-words")

    other = await page.context.new_page()
    await other.goto(f"{service.url}/publish?camera=desk")
    await other.wait_for_function("!document.querySelector('#start').disabled")
    await other.click("#start")
    await other.wait_for_function("document.querySelector('#problem').textContent.includes('has a publisher already')")
    await other.close()

    publication = service.inlet("desk").publication
    await page.bring_to_front()
    await page.select_option("#size", "720")
    await page.wait_for_function("document.querySelector('#own-words').textContent.includes('1280 × 720')")
    assert await page.inner_text("#state") == "publishing"
    assert service.inlet("desk").publication is publication, "another track, the same session"

    await page.click("#stop")
    await until(lambda: service.camera("desk").source == "down")
    assert await page.inner_text("#state") == "not publishing"
    await page.click("#start")
    await until(lambda: service.camera("desk").source == "up")
    assert service.camera("desk").reconnects == 1
    await page.close()
    await until(lambda: service.camera("desk").source == "down")
    assert problems == []


async def test_a_refused_webcam_is_said_in_words(service: Service, browser: Browser) -> None:
    page = await _patient_page(browser)
    await page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
    )
    await page.goto(f"{service.url}/publish")
    await page.fill("#sign-in input", TOKEN)
    await page.click("#sign-in button")
    await page.wait_for_function("!document.querySelector('#start').disabled")
    await page.click("#start")
    await page.wait_for_function("document.querySelector('#problem').textContent.includes('was not allowed')")
    assert await page.is_enabled("#start")


async def test_a_client_from_npm_publishes_from_another_origin(service: Service, browser: Browser) -> None:
    assert NPM_CLIENT.is_file(), f"{NPM_CLIENT} is missing: run scripts/npm-clients"
    page = await _patient_page(browser)
    patched: list[int] = []
    page.on("response", lambda answer: patched.append(answer.status) if answer.request.method == "PATCH" else None)
    contents = {"/index.html": b"<!doctype html>", "/whip.js": NPM_CLIENT.read_bytes()}
    async with web_server(files(contents)) as address, service.subscribe() as events:
        await page.goto(f"http://{address}/index.html")
        await page.evaluate(_PUBLISH, [f"{service.url}/cameras/desk/whip", TOKEN])
        await told(events, lambda event: isinstance(event, CameraState) and event.frames > 5)
        assert service.camera("desk").source == "up"
        assert set(patched) == {204}, "its candidates came one by one"
        await page.evaluate("window.client.stop()")
        await told(events, lambda event: isinstance(event, CameraState) and event.source == "down")
        assert "has left" in service.camera("desk").error
    await page.close()
