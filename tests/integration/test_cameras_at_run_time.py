"""Cameras come, change, pause and go while the real service runs: over HTTP, and by an edit of its file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aioice.ice
import httpx
import pytest

from pipeline import live_config
from pipeline import service as composition
from pipeline.service import Service
from tests.fakes.live_service import DEMO, quick_settings, quick_store
from tests.fakes.mosquitto import Mosquitto, reading
from tests.fakes.player import Player
from tests.fakes.served import FakeNetworks
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TEXT = f"""\
# Our cameras.
cameras:
  front:  # the door
    url: {DEMO}
adaptation: {{enabled: false}}
"""
IDLE = TEXT.replace("adaptation", "    paused: true\nadaptation")
SDP = {"Content-Type": "application/sdp"}
SECRET = "hunter22-of-the-garden"  # noqa: S105 - planted


@pytest.fixture(autouse=True)
def _quick_and_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    monkeypatch.setattr(composition, "Networks", lambda *_: FakeNetworks())
    monkeypatch.setattr(live_config, "LOOK_INTERVAL", 0.05)
    monkeypatch.setenv("CAMERA_SCENE", f"{DEMO}&seed=7")
    monkeypatch.setenv("CAMERA_PASSWORD", SECRET)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cameras.yaml"
    rewrite(path, TEXT)
    return path


@pytest.fixture
def idle_config(config: Path) -> Path:
    """Return a configuration whose camera is paused: for what needs no frames."""
    rewrite(config, IDLE)
    return config


@asynccontextmanager
async def serving(config: Path, **sections: Any) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    store = quick_store(config, **sections)
    async with Service(store.reload(), store) as service, httpx.AsyncClient(base_url=service.url) as client:
        yield service, client


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def rewrite(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def flows(service: Service, camera: str, count: int = 3) -> None:
    wanted = service.camera(camera).frames + count
    await until(lambda: service.camera(camera).frames >= wanted)


async def test_networks_that_cannot_be_made_ready_ahead_stop_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: FakeNetworks, size: tuple[int, int]) -> None:
        message = f"a network of the user's own cannot do {size}"
        raise RuntimeError(message)

    monkeypatch.setattr(FakeNetworks, "prepare", fail)
    async with serving(config) as (service, _):
        await flows(service, "front")


async def test_a_camera_comes_changes_pauses_and_goes_and_no_other_notices(config: Path, tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        reading(broker.port, "livesal/+/available") as house,
        serving(config, mqtt={"host": "127.0.0.1", "port": broker.port}) as (service, client),
        Player() as player,
    ):
        await flows(service, "front")
        front = service._cameras["front"]

        added = await client.post("/api/cameras", json={"name": "back", "url": "${CAMERA_SCENE}", "frame_age": 5})
        assert (added.status_code, added.headers["Location"]) == (201, "/api/cameras/back")
        assert added.json()["kept_in"] == str(config)
        assert text_of(config) == TEXT.replace(
            "adaptation", '  back:\n    url: "${CAMERA_SCENE}"\n    frame_age: 5\nadaptation'
        )
        await flows(service, "back")
        await house.until_topic("livesal/back/available", b"online")

        offer = await player.offer()
        session = (await client.post("/cameras/back/final/whep", content=offer, headers=SDP)).headers["Location"]
        changed = await client.patch("/api/cameras/back", json={"url": DEMO, "frame_age": None})
        assert changed.json()["settings"]["frame_age"] == 0.5
        await flows(service, "back")
        assert (await client.get(session)).status_code == 204, "viewers stay through a change"

        assert (await client.post("/api/cameras/back/pause")).json()["settings"]["paused"] is True
        assert (await client.get("/api/cameras/back")).json()["state"]["source"] == "paused"
        await house.until_topic("livesal/back/available", b"offline")
        assert "paused: true" in text_of(config)
        late = await client.post("/cameras/back/final/whep", content=offer, headers=SDP)
        assert (late.status_code, "paused" in late.json()["detail"]) == (409, True)
        await client.post("/api/cameras/back/resume")
        await flows(service, "back")

        assert (await client.delete("/api/cameras/back")).status_code == 204
        assert text_of(config) == TEXT
        assert (await client.get("/api/cameras/back")).status_code == 404
        assert (await client.delete("/api/cameras/back")).status_code == 404
        while (await client.get(session)).status_code == 204:  # noqa: ASYNC110 - its task needs a moment
            await asyncio.sleep(0.01)
        await house.until_topic("livesal/back/available", b"")
        assert 'camera="back"' not in (await client.get("/metrics")).text
        assert [event for event in service.recent_events() if "back" in repr(event)] == []

        assert service._cameras["front"] is front
        await flows(service, "front")


async def test_what_is_kept_is_there_after_a_restart(idle_config: Path) -> None:
    async with serving(idle_config) as (_, client):
        url = "rtsp://anna:${CAMERA_PASSWORD}@127.0.0.1:9/s"
        added = await client.post("/api/cameras", json={"name": "yard", "url": url, "paused": True})
        assert added.json()["settings"]["url"] == "rtsp://***@127.0.0.1:9/s"
    assert url in text_of(idle_config)
    async with serving(idle_config) as (service, client):
        assert service.camera("yard").source == "paused"
        shown = await client.get("/api/cameras/yard/settings")
        assert SECRET not in shown.text
        assert "anna" not in shown.text
        assert shown.json()["settings"]["url"] == "rtsp://***@127.0.0.1:9/s"


async def test_an_edited_file_is_applied_and_a_bad_one_refused(config: Path) -> None:
    async with serving(config) as (service, client):
        await flows(service, "front")
        front = service._cameras["front"]
        before = (await client.get("/api/config")).json()

        rewrite(config, TEXT.replace("cameras:\n", f"cameras:\n  back: {{url: '{DEMO}', paused: yes}}\n"))
        await until(lambda: "back" in service._cameras)
        report = (await client.get("/api/config")).json()
        assert (report["result"], report["error"], report["needs_restart"]) == ("applied", "", [])
        assert report["in_force_since"] > before["in_force_since"]

        rewrite(config, TEXT.replace("enabled: false", "enabled: perhaps"))
        await until(lambda: service.config.report().result == "refused")
        refused = (await client.get("/api/config")).json()
        assert refused["error"].startswith(f"{config}: 'adaptation.enabled': ")
        again = await client.post("/api/config/reload")
        assert (again.status_code, again.json()["detail"]) == (422, refused["error"])
        assert "livesal_config_last_reload_successful 0.0" in (await client.get("/metrics")).text
        assert set(service._cameras) == {"front", "back"}, "the old one stays"

        rewrite(config, TEXT.replace("enabled: false", "enabled: true") + "regions: {threshold: 0.7}\n")
        await until(lambda: service.config.report().result == "applied")
        assert set(service._cameras) == {"front"}
        report = service.config.report()
        assert report.needs_restart == ("adaptation.enabled", "regions.threshold")
        assert service.settings.regions.threshold == 0.6

        looks = service.metrics.registry.get_sample_value("livesal_config_reloads_total", {"result": "unchanged"})
        await client.post("/api/cameras", json={"name": "attic", "url": DEMO, "paused": True})
        await until(lambda: not service.config._store.differs())
        await asyncio.sleep(3 * live_config.LOOK_INTERVAL)  # nothing is to happen in it
        still = service.metrics.registry.get_sample_value("livesal_config_reloads_total", {"result": "unchanged"})
        assert still == looks, "its own writing is no news"
        assert service._cameras["front"] is front
        await flows(service, "front")


async def test_what_cannot_be_is_refused_and_changes_nothing(idle_config: Path) -> None:
    async with serving(idle_config, http={"rate_limit": 1000}) as (service, client):
        for body, status, part in [
            ({"name": "front", "url": DEMO}, 409, "already"),
            ({"name": "Front Door", "url": DEMO}, 422, "name"),
            ({"name": "x", "url": "gopher://a"}, 422, "no kind of source"),
            ({"name": "x", "url": "rtsp://a:***@b/c"}, 422, "hides"),
            ({"name": "x", "url": "rtsp://${HOME}/c"}, 422, "CAMERA_"),
            ({"name": "x", "url": "rtsp://${CAMERA_NOT_SET}/c"}, 422, "not set"),
            ({"name": "x", "url": DEMO, "frame_agee": 1}, 422, "frame_agee"),
            ({"name": "x"}, 422, "url"),
        ]:
            answer = await client.post("/api/cameras", json=body)
            assert (answer.status_code, part in answer.text) == (status, True), answer.text
            assert answer.headers["Content-Type"] == "application/problem+json"
        bad = await client.patch("/api/cameras/front", json={"frame_age": "soon"})
        assert (bad.status_code, "cameras.front.frame_age" in bad.text) == (422, True)
        assert (await client.put("/api/cameras/nobody", json={"url": DEMO})).status_code == 404
        assert text_of(idle_config) == IDLE
        assert set(service._cameras) == {"front"}


async def test_without_a_file_changes_are_kept_in_memory_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    settings = quick_settings({"front": {"url": DEMO, "paused": True}})
    async with Service(settings) as service, httpx.AsyncClient(base_url=service.url) as client:
        added = await client.post("/api/cameras", json={"name": "back", "url": DEMO, "paused": True})
        assert (added.status_code, added.json()["kept_in"]) == (201, None)
        put = await client.put("/api/cameras/back", json={"url": f"{DEMO}&seed=3", "paused": True, "loop": True})
        assert (put.json()["settings"]["url"], put.json()["settings"]["loop"]) == (f"{DEMO}&seed=3", True)
        assert (await client.get("/api/config")).json()["file"] is None
        assert (await client.delete("/api/cameras/front")).status_code == 204
        assert set(service._cameras) == {"back"}
    assert "kept in memory only; a restart forgets it" in caplog.text
