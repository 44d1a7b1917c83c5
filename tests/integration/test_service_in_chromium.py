"""What a browser sees of the real service on the generated scene."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from fractions import Fraction

import aioice.ice
import numpy as np
import pytest
from playwright.async_api import Browser

from pipeline.service import Service
from stream.render import Image
from stream.synthetic import Demo
from tests.fakes.chromium import Watched, bare_page, chromium, play, watch
from tests.fakes.live_service import DEMO, SIZE, quick_settings
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

Shown = dict[str, dict[int, Image]]


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with Service(quick_settings({"demo": DEMO})) as service:
        yield service


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
def shown(service: Service, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What the service hands to its encoders from now on: {view: {pts: picture}}."""
    shown: Shown = {}
    publish = service._hub.publish

    def note(camera: str, view: str, image: Image, pts: int, time_base: Fraction) -> None:
        shown.setdefault(view, {})[pts] = image
        publish(camera, view, image, pts, time_base)

    monkeypatch.setattr(service._hub, "publish", note)
    return shown


async def test_the_browser_plays_what_the_service_sees_and_finds(
    service: Service, browser: Browser, shown: Shown
) -> None:
    pages = {view: await bare_page(browser, service.url) for view in ("source", "final")}
    for view, page in pages.items():
        await play(page, f"/cameras/demo/{view}/whep")
    seen = dict(zip(pages, await asyncio.gather(*(watch(page, 5, SIZE) for page in pages.values())), strict=True))
    scene = Demo.parse(DEMO).scene()
    for number in itertools.islice(shown["source"], 0, None, 10):
        assert np.array_equal(shown["source"][number], scene.frame(number)[0])
    for view, watched in seen.items():
        assert watched.rising(5), (view, watched.counts)
        found = _recognised(watched, shown[view])
        assert all(later > earlier for earlier, later in itertools.pairwise(found)), (view, found)


async def test_three_viewers_of_one_view_cost_one_encode(service: Service, browser: Browser) -> None:
    pages = [await bare_page(browser, service.url) for _ in range(3)]
    for page in pages:
        await play(page, "/cameras/demo/final/whep")
    assert _metric(service, "livesal_encoders", view="final") == 1
    assert _metric(service, "livesal_webrtc_sessions", view="final") == 3
    before = _metric(service, "livesal_encodes_total", view="final")
    analysed = service.camera("demo").frames
    watched = await asyncio.gather(*(watch(page, 3, SIZE) for page in pages))
    encoded = _metric(service, "livesal_encodes_total", view="final") - before
    assert encoded <= service.camera("demo").frames - analysed + 1
    assert sum(seen.frames for seen in watched) > 1.5 * encoded
    for page in pages:
        await page.close()


async def test_the_preview_page_shows_the_figures_of_the_camera(service: Service, browser: Browser) -> None:
    page = await browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(service.url)
    await page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.videoWidth)")
    await page.wait_for_function("document.querySelector('.strip img')?.naturalWidth > 0")
    await page.wait_for_function("document.getElementById('source').textContent === 'up'")
    await service.command("demo", "off")
    window = service.settings.adaptation.window.capacity  # a full window stays full, so the figure stands still
    await until(lambda: service.camera("demo").window == window)
    figure = (
        "[...document.querySelectorAll('.figure')].find((one) => one.lastChild.textContent.includes('%s')).firstChild"
    )
    await page.wait_for_function(f"{figure % 'window'}.textContent.endsWith('({window})')")
    await page.wait_for_function("document.getElementById('phase').textContent === 'adaptation: off'")
    await page.wait_for_function(f"Number({figure % 'frames a second'}.textContent) > 0")
    await page.wait_for_function(f"{figure % 'viewers'}.textContent === '4'")
    assert await page.input_value("#camera") == "demo"
    assert problems == []
    await page.close()


def _recognised(watched: Watched, published: dict[int, Image]) -> list[int]:
    """Return for each picture the number of the published one that it is."""
    numbers = []
    for picture in watched.pictures:
        distances = {number: _distance(picture, image) for number, image in published.items()}
        numbers.append(min(distances, key=lambda number: distances[number]))
        assert distances[numbers[-1]] < 8
    return numbers


def _distance(picture: Image, other: Image) -> float:
    return float(np.abs(picture.astype(np.int16) - other).mean())


def _metric(service: Service, name: str, view: str) -> float:
    value = service.metrics.registry.get_sample_value(name, {"camera": "demo", "view": view})
    return value or 0.0
