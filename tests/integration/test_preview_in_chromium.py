"""What a browser sees: a real Chromium plays WHEP views and opens the preview page."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aioice.ice
import numpy as np
import pytest
from playwright.async_api import Browser, Page, Request

from configs.events import EventSettings
from configs.webrtc import IceServerSettings
from stream.backend import KeyframeThumbnail, Timeline, TimelinePoint
from stream.events import AdaptationEvent, CameraState
from stream.ice import link_headers
from stream.render import jpeg
from tests.fakes.chromium import bare_page, chromium, play, read_png, watch
from tests.fakes.preview_service import QUADRANTS, SIZE, PreviewService, pattern, preview_service, read_number
from tests.fakes.region_events import region_at

pytestmark = pytest.mark.integration


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PreviewService]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with preview_service() as service:
        yield service


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def test_a_view_plays_and_shows_the_stream(service: PreviewService, browser: Browser) -> None:
    page = await bare_page(browser, service.url)
    await play(page, "/cameras/front/final/whep")
    seen = await watch(page, 5, SIZE)
    assert seen.rising(5), seen.counts
    numbers = [read_number(picture) for picture in seen.pictures]
    assert all(later > earlier for earlier, later in itertools.pairwise(numbers)), numbers
    height, width = SIZE
    for picture in (seen.pictures[0], seen.pictures[-1]):
        for quadrant, colour in enumerate(QUADRANTS):
            row, column = height // 8 + quadrant // 2 * height * 5 // 8, width // 4 + quadrant % 2 * width // 2
            found = picture[row - 5 : row + 5, column - 5 : column + 5].mean(axis=(0, 1))
            assert np.abs(found - colour).max() < 16, (quadrant, found)


async def test_three_viewers_of_one_view_cost_one_encode(service: PreviewService, browser: Browser) -> None:
    pages = [await bare_page(browser, service.url) for _ in range(3)]
    await asyncio.gather(*(play(page, "/cameras/front/final/whep") for page in pages))
    (before,) = service.hub.encoders
    watched = await asyncio.gather(*(watch(page, 2, SIZE) for page in pages))
    (after,) = service.hub.encoders
    assert after.viewers == 3
    encoded = after.encoded - before.encoded
    shown = [seen.frames for seen in watched]
    assert sum(shown) > 1.5 * encoded, (shown, encoded)
    assert service.metrics.registry.get_sample_value("livesal_encoders", {"camera": "front", "view": "final"}) == 1
    for page in pages:
        await page.evaluate("window.players[0].stop()")
    async with asyncio.timeout(10):
        while service.hub.encoders:  # noqa: ASYNC110 - the browser says goodbye in its own time
            await asyncio.sleep(0.01)
    assert len(service.sessions) == 0


async def test_the_page_asks_for_a_token_once(monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with preview_service(tokens=("a long secret",)) as service:
        page = await browser.new_page()
        await page.goto(service.url)
        await page.fill("#sign-in input", "a wrong one")
        await page.click("#sign-in button")
        await page.wait_for_function("document.querySelector('#sign-in output').textContent.includes('not right')")
        await page.fill("#sign-in input", "a long secret")
        await page.click("#sign-in button")
        await page.wait_for_function("document.querySelector('#camera').value === 'front'")
        await page.wait_for_function("document.querySelector('video').videoWidth > 0")
        await page.reload()
        await page.wait_for_function("document.querySelector('#camera').value === 'front'")
        assert not await page.is_visible("#sign-in"), "the cookie carries the token now"


async def test_a_player_comes_back_by_itself(service: PreviewService, browser: Browser) -> None:
    service.backend.states["front"] = replace(service.backend.camera("front"), source="down")
    page = await bare_page(browser, service.url)
    playing = asyncio.get_running_loop().create_task(
        play(page, "/cameras/front/final/whep"), name="play while the camera is down"
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
    await _try_the_controls(page, service)
    drawn = await page.evaluate("document.getElementById('timeline').toDataURL().split(',')[1]")
    assert len(np.unique(read_png(drawn).reshape(-1, 3), axis=0)) > 5
    assert problems == []

    await page.keyboard.press("2")
    await page.wait_for_function("document.getElementById('problem').textContent.includes('no route to 192.0.2.7')")
    assert (await page.inner_text("#problem")).startswith("Camera gate is dead")
    assert await page.get_by_role("button", name="Back to the original").is_disabled(), "nothing would hear it"


async def _try_the_controls(page: Page, service: PreviewService) -> None:
    """Use every control of the page with one camera that is up, then beside one that is dead."""
    backend = service.backend
    assert "both sides are the same" in await page.inner_text("#compare-words")
    assert await page.is_hidden("#grid"), "one camera needs no grid"
    backend.states["front"] = replace(backend.camera("front"), model_version=2)
    await page.wait_for_function("document.getElementById('why').textContent.includes('v2 is in service')")
    assert "picked: 69 % agree, over 40 % needed" in await page.inner_text("#keyframes")

    await page.get_by_role("button", name="Retrain now").click()
    await page.wait_for_function("document.getElementById('answer').textContent.startsWith('A retraining')")
    await page.get_by_role("button", name="Back to the original").click()
    await page.wait_for_function("document.getElementById('answer').textContent.startsWith('The original')")
    await page.keyboard.press("a")
    await page.wait_for_function("document.getElementById('answer').textContent.includes('switched off')")
    assert backend.commands == [("front", "force"), ("front", "reset"), ("front", "off")]

    await page.keyboard.press("?")
    assert await page.get_by_role("dialog", name="What you see").is_visible()
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#help", state="hidden")

    ground = "getComputedStyle(document.body).backgroundColor"
    await page.keyboard.press("t")
    light = await page.evaluate(ground)
    await page.keyboard.press("t")
    assert await page.evaluate(ground) != light
    assert await page.inner_text("#theme") == "Theme: dark"

    result = page.get_by_label("View", exact=True).last
    await result.select_option("overlay")
    await page.keyboard.press("[")
    assert await page.evaluate("[...document.querySelectorAll('.view video')].at(-1).style.opacity") == "0.9"
    await _compare(page, service)

    backend.states["gate"] = CameraState(camera="gate", time=1000.0, source="down", error="no route to 192.0.2.7")
    service.hub.add_camera("gate")
    await page.wait_for_function("document.querySelector('#grid button img')?.naturalWidth > 0")
    assert await page.locator("#grid button").count() == 2
    assert await page.inner_text("#grid [data-state=down] span") == "down"


async def _compare(page: Page, service: PreviewService) -> None:
    """Open the comparison, move its line over a frozen picture, and close it again."""
    assert "comparison" not in service.hub.wanted("front"), "it costs nothing while it is closed"
    await page.keyboard.press("c")
    await page.wait_for_function("document.querySelector('.compare canvas').width > 0")
    await page.keyboard.press("f")
    picture = "document.querySelector('.compare canvas').toDataURL().split(',')[1]"
    pictures = []
    for split in ("0", "100"):
        await page.get_by_label("Where before ends and after begins").fill(split)
        pictures.append(read_png(await page.evaluate(picture)))
    height, width = pictures[0].shape[:2]
    assert width == SIZE[1] // 2, "half the stream is one picture"
    for shown, colours in zip(pictures, ((1, 3), (0, 2)), strict=True):  # the right half is after, the left before
        for row, quadrant in zip((height // 4, height * 3 // 4), colours, strict=True):
            assert np.abs(shown[row, width // 2].astype(int) - QUADRANTS[quadrant]).max() < 16, (row, quadrant)
    await page.keyboard.press("c")
    async with asyncio.timeout(10):
        while "comparison" in service.hub.wanted("front"):  # noqa: ASYNC110 - the browser says goodbye in its own time
            await asyncio.sleep(0.01)


async def test_events_have_pictures_zones_durations_and_clips_and_are_picked_by_camera(
    tmp_path: Path, browser: Browser
) -> None:
    settings = EventSettings.model_validate({"clips": {"folder": tmp_path, "free": 0}})
    start = time.time() - 30
    async with preview_service(events=settings) as service:
        service.backend.states["gate"] = CameraState(camera="gate", time=start, source="down")
        begun = region_at(start, "new", lasts=12.5)
        await service.archive.keep_picture(begun.after.id, jpeg(pattern(3)))
        await service.backend.tell(begun)
        await service.backend.tell(region_at(start + 5, "new", camera="gate"))
        page = await browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("response", lambda answer: problems.append(answer.url) if answer.status > 399 else None)
        await page.goto(service.url)
        events = page.locator(".events li")
        await page.locator(".events img").scroll_into_view_if_needed()
        await page.wait_for_function("document.querySelector('.events img')?.naturalWidth > 0")
        assert await events.count() == 1, "those of the camera that is looked at"
        assert "Something stands out (80 %)" in await events.inner_text()
        (tmp_path / f"{begun.after.id}.mp4").write_bytes(b"a clip")
        ended = region_at(start, lasts=12.5, zones=("driveway",))
        await service.backend.tell(ended)
        await page.wait_for_function("document.querySelector('.events a') !== null")
        text = await events.inner_text()
        assert "Something stood out for 12.5 s (at most 80 %)" in text
        assert "driveway" in text
        assert await page.get_attribute(".events a", "href") == f"/api/events/{begun.after.id}/clip.mp4"
        await page.select_option("#events-camera", "")
        await page.wait_for_function("document.querySelectorAll('.events li').length === 2")
        assert (await events.first.inner_text()).find("gate") >= 0, "the newest is on top, with its camera's name"
        await page.select_option("#events-camera", "gate")
        await page.wait_for_function("document.querySelectorAll('.events li').length === 1")
        assert await page.input_value("#camera") == "front", "the views stay where they are"
        assert problems == []


async def test_older_events_are_a_click_away(service: PreviewService, browser: Browser) -> None:
    start = time.time() - 1000
    for number in range(50):
        await service.backend.tell(region_at(start + number))
    page = await browser.new_page()
    await page.goto(service.url)
    await page.wait_for_function("document.querySelectorAll('.events li').length === 40")
    await page.get_by_role("button", name="Older").click()
    await page.wait_for_function("document.querySelectorAll('.events li').length === 50")
    starts = await page.evaluate(
        "[...document.querySelectorAll('.events li')].map((item) => Number(item.dataset.start))"
    )
    assert starts == sorted(starts, reverse=True)
    assert await page.get_by_role("button", name="Older").is_hidden()


async def test_the_player_asks_the_servers_that_the_answer_names(service: PreviewService, browser: Browser) -> None:
    page = await bare_page(browser, service.url)
    servers = await page.evaluate(
        """async (link) => (await import("/preview/whep.js")).linkedServers(link)""",
        ", ".join(
            link_headers(
                [
                    IceServerSettings(url="stun:stun.test"),
                    IceServerSettings.model_validate({"url": "turn:turn.test", "username": "u,", "credential": 'p"\\'}),
                ]
            )
        ),
    )
    assert servers == [{"urls": "stun:stun.test"}, {"urls": "turn:turn.test", "username": "u,", "credential": 'p"\\'}]


async def test_the_player_tells_its_addresses_after_the_answer(service: PreviewService, browser: Browser) -> None:
    page = await bare_page(browser, service.url)
    sent: dict[str, list[Request]] = {}
    page.on("request", lambda request: sent.setdefault(request.method, []).append(request))
    await play(page, "/cameras/front/final/whep")
    (offer,) = sent["POST"]
    assert "a=candidate" not in (offer.post_data or "")
    assert all("a=candidate:" in (one.post_data or "") and "if-match" in one.headers for one in sent["PATCH"])
    statuses = [answer.status for one in sent["PATCH"] if (answer := await one.response())]
    assert set(statuses) == {204}
