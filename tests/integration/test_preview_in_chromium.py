"""What a browser sees: a real Chromium plays WHEP views and opens the preview page."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import aioice.ice
import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, async_playwright

from stream.backend import KeyframeThumbnail, Timeline, TimelinePoint
from stream.events import AdaptationEvent
from stream.render import jpeg
from tests.fakes.preview_service import QUADRANTS, SIZE, PreviewService, pattern, preview_service, read_number

pytestmark = pytest.mark.integration

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-dev-shm-usage",
]

PLAY = """async (endpoint) => {
  const { WhepPlayer } = await import("/preview/whep.js");
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  window.players ??= [];
  window.players.push(new WhepPlayer(video, (notice) => (video.dataset.notice = notice)));
  window.players.at(-1).play(endpoint);
  await new Promise((seen) => video.requestVideoFrameCallback(seen));
}"""

WATCH = """async (seconds) => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: %d, height: %d });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [pictures, counts] = [[], []];
  const end = performance.now() + seconds * 1000;
  await new Promise((done) => {
    const look = (now) => {
      const statistics = video.getVideoPlaybackQuality();
      counts.push([now, statistics.totalVideoFrames]);
      if (counts.length %% 5 === 1) {
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        pictures.push(canvas.toDataURL("image/png").split(",")[1]);
      }
      if (now < end) video.requestVideoFrameCallback(look);
      else done();
    };
    video.requestVideoFrameCallback(look);
  });
  return { pictures, counts };
}""" % (SIZE[1], SIZE[0])  # noqa: UP031 - JavaScript is full of braces


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PreviewService]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with preview_service() as service:
        yield service


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


async def bare_page(browser: Browser, service: PreviewService) -> Page:
    """Return a page of the service's origin without the preview."""
    page = await browser.new_page()
    await page.goto(f"{service.url}/healthz")
    return page


async def test_a_view_plays_and_shows_the_stream(service: PreviewService, browser: Browser) -> None:
    page = await bare_page(browser, service)
    await page.evaluate(PLAY, "/cameras/front/final/whep")
    seen = await page.evaluate(WATCH, 5)
    pictures = [read_png(encoded) for encoded in seen["pictures"]]
    start = seen["counts"][0][0]
    per_second = [
        [frames for when, frames in seen["counts"] if second <= (when - start) / 1000 < second + 1]
        for second in range(5)
    ]
    assert all(frames and frames[-1] > frames[0] for frames in per_second), per_second
    numbers = [read_number(picture) for picture in pictures]
    assert all(later > earlier for earlier, later in itertools.pairwise(numbers)), numbers
    height, width = SIZE
    for picture in (pictures[0], pictures[-1]):
        for quadrant, colour in enumerate(QUADRANTS):
            row, column = height // 8 + quadrant // 2 * height * 5 // 8, width // 4 + quadrant % 2 * width // 2
            found = picture[row - 5 : row + 5, column - 5 : column + 5].mean(axis=(0, 1))
            assert np.abs(found - colour).max() < 16, (quadrant, found)


async def test_three_viewers_of_one_view_cost_one_encode(service: PreviewService, browser: Browser) -> None:
    pages = [await bare_page(browser, service) for _ in range(3)]
    await asyncio.gather(*(page.evaluate(PLAY, "/cameras/front/final/whep") for page in pages))
    (before,) = service.hub.encoders
    watched = await asyncio.gather(*(page.evaluate(WATCH, 2) for page in pages))
    (after,) = service.hub.encoders
    assert after.viewers == 3
    encoded = after.encoded - before.encoded
    shown = [seen["counts"][-1][1] - seen["counts"][0][1] for seen in watched]
    assert sum(shown) > 1.5 * encoded, (shown, encoded)
    assert service.metrics.registry.get_sample_value("livesal_encoders", {"camera": "front", "view": "final"}) == 1
    for page in pages:
        await page.evaluate("window.players[0].stop()")
    async with asyncio.timeout(10):
        while service.hub.encoders:  # noqa: ASYNC110 - the browser says goodbye in its own time
            await asyncio.sleep(0.01)
    assert len(service.sessions) == 0


async def test_a_player_comes_back_by_itself(service: PreviewService, browser: Browser) -> None:
    service.backend.states["front"] = replace(service.backend.camera("front"), source="down")
    page = await bare_page(browser, service)
    playing = asyncio.get_running_loop().create_task(
        page.evaluate(PLAY, "/cameras/front/final/whep"), name="play while the camera is down"
    )
    await page.wait_for_function("document.querySelector('video')?.dataset.notice?.includes('no live source')")
    service.backend.states["front"] = replace(service.backend.camera("front"), source="up")
    await playing
    await page.wait_for_function("document.querySelector('video').dataset.notice === ''")


async def test_the_preview_page_shows_everything_without_an_error(service: PreviewService, browser: Browser) -> None:
    backend = service.backend
    now = 1_700_000_000.0
    swap = AdaptationEvent(camera="front", kind="swapped", time=now - 5, media_time=3.0, model_version=2)
    backend.states["front"] = replace(backend.camera("front"), fps=24.9, nr=0.42, phase="serving", swaps=1)
    backend.recent = [swap]
    backend.window = [KeyframeThumbnail(id=1, media_time=1.5, nr=0.31, jpeg=jpeg(pattern(3)))]
    points = [TimelinePoint(time=now - 30 + n, nr=n / 30, is_keyframe=n < 18, model_version=0) for n in range(30)]
    backend.line = Timeline(threshold=0.6, points=points, marks=[swap])

    page = await browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(f"{request.method} {request.url}: {request.failure}"))
    page.on(
        "response", lambda answer: problems.append(f"{answer.url}: {answer.status}") if answer.status > 399 else None
    )
    await page.goto(service.url)
    await page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.videoWidth)")
    await page.wait_for_function("document.querySelector('.strip img')?.naturalWidth > 0")
    assert service.hub.wanted("front") == {"source", "motion", "low_level", "overlay"}
    body = await page.inner_text("body")
    assert "24.9" in body
    assert "0.42" in body
    assert "The retrained network is in service (version 2)" in body
    assert "NR 0.31" in body
    await page.get_by_label("View", exact=True).last.select_option("mosaic")
    await page.wait_for_function("[...document.querySelectorAll('.notice')].every((notice) => !notice.textContent)")
    assert "mosaic" in service.hub.wanted("front")
    drawn = await page.evaluate("document.getElementById('timeline').toDataURL().split(',')[1]")
    assert len(np.unique(read_png(drawn).reshape(-1, 3), axis=0)) > 5
    assert problems == []


def read_png(encoded: str) -> np.ndarray:
    """Return a base64 PNG as (H, W, 3) RGB."""
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[:, :, ::-1]
