"""A whole HTTP and WebRTC edge on a free port, fed with a pattern that a viewer can recognise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from configs.events import EventSettings
from configs.output import EncodingSettings, HttpSettings, WebRtcSettings
from stream.event_archive import EventArchive
from stream.http.app import Extension, create_app
from stream.http.history import history_router
from stream.http.server import HttpServer
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.waiting import until

QUADRANTS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 230, 230))
"""Colours top left, top right, bottom left, bottom right."""
BITS = 12
_IN_MEMORY = EventSettings()
SIZE = (180, 320)
FPS = 25


def pattern(number: int) -> np.ndarray:
    """Return four coloured quadrants, and in the middle a bar of `BITS` blocks that spells `number` in binary."""
    height, width = SIZE
    image = np.empty((height, width, 3), np.uint8)
    for quadrant, colour in enumerate(QUADRANTS):
        row, column = quadrant // 2 * height // 2, quadrant % 2 * width // 2
        image[row : row + height // 2, column : column + width // 2] = colour
    block = width // (BITS + 4)
    for bit in range(BITS):
        left = (2 + bit) * block
        image[80:100, left : left + block] = 255 if number >> bit & 1 else 0
    return image


def read_number(image: np.ndarray) -> int:
    """Return the number that a pattern of `SIZE` spells."""
    block = SIZE[1] // (BITS + 4)
    return sum(
        1 << bit for bit in range(BITS) if image[84:96, (2 + bit) * block + 6 : (3 + bit) * block - 6].mean() > 127
    )


@dataclass
class PreviewService:
    """What a test reaches of the running edge."""

    url: str
    hub: ViewHub
    sessions: WebRtcSessions
    backend: FakeBackend
    metrics: Metrics
    archive: EventArchive


@asynccontextmanager
async def preview_service(
    port: int = 0, tokens: tuple[str, ...] = (), events: EventSettings = _IN_MEMORY
) -> AsyncIterator[PreviewService]:
    """Serve one camera `front` whose wanted views show the pattern, its number rising with each frame."""
    settings = WebRtcSettings(encoding=EncodingSettings(width=SIZE[1], idle=0))
    backend, metrics = FakeBackend(), Metrics()
    archive = EventArchive(events, metrics)
    history = Extension(history_router(archive))
    http = HttpSettings.model_validate({"port": port, "tokens": tokens})
    async with (
        ViewHub(settings.encoding, metrics) as hub,
        WebRtcSessions(hub, settings) as sessions,
        archive,
        HttpServer(create_app(backend, hub, sessions, metrics, http=http, extensions=(history,)), http) as server,
        asyncio.TaskGroup() as tasks,
    ):
        hub.add_camera("front")
        publisher = tasks.create_task(publish_pattern(hub), name="publish the pattern")
        keeping = tasks.create_task(archive.run(backend.subscribe), name="keep events")
        await until(lambda: bool(backend.channels))
        yield PreviewService(server.url, hub, sessions, backend, metrics, archive)
        for task in (publisher, keeping):
            task.cancel()


async def publish_pattern(hub: ViewHub) -> None:
    """Show the pattern in the wanted views of `front` for as long as somebody looks."""
    number = 0
    while True:
        image = pattern(number)
        for view in hub.wanted("front"):
            hub.publish("front", view, image, number, Fraction(1, FPS))
        number += 1
        await asyncio.sleep(1 / FPS)
