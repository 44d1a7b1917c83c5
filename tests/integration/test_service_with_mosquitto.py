"""What a house hears of the real service: a real Mosquitto, read by `mosquitto_sub`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.service import Service
from tests.fakes.live_service import DEMO, quick_settings
from tests.fakes.mosquitto import Mosquitto, Reader, Received, reading, send
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

_RETAINED = ("livesal/available", "livesal/demo/available", "livesal/demo/state", "livesal/demo/adapt/state")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as broker:
        yield broker


async def test_a_house_sees_the_camera_its_regions_and_the_return_of_its_broker(broker: Mosquitto) -> None:
    settings = quick_settings(
        {"demo": DEMO}, mqtt={"host": "127.0.0.1", "port": broker.port, "state_interval": 0.2, "snapshot_interval": 0.5}
    )
    async with reading(broker.port, "livesal/#") as reader, Service(settings) as service:
        await _everything_is_told(reader)
        await broker.kill()
        await until(lambda: service.mqtt_connected is False)
        frames = service.camera("demo").frames
        await until(lambda: service.camera("demo").frames > frames)
        await broker.start()
        await until(lambda: service.mqtt_connected is True)
        async with reading(broker.port, "livesal/#") as later:
            held = {got.topic: got.payload for got in await later.take(len(_RETAINED)) if got.retained}
            assert held["livesal/available"] == held["livesal/demo/available"] == b"online"
            assert json.loads(held["livesal/demo/state"])["frames"] > frames
            await _everything_is_told(later, retained=False)
            (picture,) = (got for got in await later.until_topic("livesal/demo/snapshot") if "snapshot" in got.topic)
            assert _size(picture.payload) == (180, 320)
            await send(broker.port, "livesal/demo/adapt/set", "OFF")
            await later.until_topic("livesal/demo/adapt/state", b"OFF")
            assert service.camera("demo").phase == "off"
            await send(broker.port, "livesal/demo/adapt/set", "ON")
            await later.until_topic("livesal/demo/adapt/state", b"ON")
            assert service.camera("demo").phase != "off"
            await send(broker.port, "livesal/demo/adapt/set", "RESET")
            await _reset_is_told(later)
    async with reading(broker.port, "livesal/available") as after:
        assert [got.payload for got in await after.take(1)] == [b"offline"]


async def _reset_is_told(reader: Reader) -> None:
    while True:
        told = json.loads((await reader.until_topic("livesal/adaptation"))[-1].payload)
        if told["type"] == "reset":
            assert (told["camera"], told["reason"], told["model_version"]) == ("demo", "asked for", 0)
            return


def _size(jpeg: bytes) -> tuple[int, ...]:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.shape[:2]


async def _everything_is_told(reader: Reader, *, retained: bool = True) -> None:
    """Read until the camera was told to be there and to go on, and a region came, changed and went."""
    steps: dict[str, list[str]] = {}
    told: dict[str, bytes] = {}
    while not _complete(steps, told if retained else dict.fromkeys(_RETAINED, b"")):
        (got,) = await reader.take(1)
        told[got.topic] = got.payload
        if got.topic == "livesal/events":
            assert not got.retained
            _note(steps, got)
    if retained:
        assert told["livesal/available"] == told["livesal/demo/available"] == b"online"
        state: dict[str, Any] = json.loads(told["livesal/demo/state"])
        assert (state["source"], state["width"], state["height"]) == ("up", 320, 180)


def _complete(steps: dict[str, list[str]], told: dict[str, bytes]) -> bool:
    whole = any(kinds[0] == "new" and kinds[-1] == "end" and "update" in kinds for kinds in steps.values())
    return whole and told.keys() >= set(_RETAINED)


def _note(steps: dict[str, list[str]], got: Received) -> None:
    """Add a region's event to those before it; a region that was there before us is left out."""
    event = json.loads(got.payload)
    region = event["after"]
    if event["type"] == "new":
        left, top, right, bottom = region["box"]
        assert 0 <= left < right <= 320
        assert 0 <= top < bottom <= 180
        assert region["camera"] == "demo"
        assert region["end_time"] is None
        steps[region["id"]] = []
    if event["type"] == "end":
        assert region["end_time"] >= region["start_time"]
    if region["id"] in steps:
        steps[region["id"]].append(event["type"])
