"""Files and webhooks, each with its real receiver: what is picked out, written, signed, tried again and dropped."""

import asyncio
import errno
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from configs.events import EventFilter, EventSettings, JsonLinesSettings, WebhookSettings
from stream.errors import OutputError
from stream.events import AdaptationEvent
from stream.metrics import Metrics
from stream.sinks.feed import wants
from stream.sinks.json_lines import JsonLines, _Lines
from stream.sinks.sinks import Sinks
from stream.sinks.webhook import Webhook
from tests.fakes.backend import FakeBackend
from tests.fakes.mqtt_events import camera_state, region_event, swapped
from tests.fakes.waiting import Pauses, until
from tests.fakes.webhook_receiver import webhook_receiver


class Bench:
    """Sinks that hear what `backend` tells."""

    def __init__(self) -> None:
        self.backend = FakeBackend()
        self.metrics = Metrics()

    def count(self, sink: str, result: str) -> float:
        labels = {"sink": sink, "result": result}
        return self.metrics.registry.get_sample_value("livesal_event_deliveries_total", labels) or 0.0


@asynccontextmanager
async def sinks_with(listeners: int = 1, **events: Any) -> AsyncIterator[Bench]:
    bench = Bench()
    settings = EventSettings.model_validate(events)
    async with Sinks(settings, bench.metrics) as sinks, asyncio.TaskGroup() as tasks:
        tasks.create_task(sinks.run(bench.backend.subscribe), name="sinks")
        await until(lambda: len(bench.backend.channels) == listeners)
        yield bench
        for channel in bench.backend.channels:
            await channel.close()


@asynccontextmanager
async def webhook(url: str, **settings: Any) -> AsyncIterator[tuple[Webhook, list[float]]]:
    """Give a webhook whose pauses are only noted."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    made = Webhook(1, WebhookSettings.model_validate({"url": url} | settings), random=Pauses(), sleep=sleep)
    async with made:
        yield made, pauses


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("picked", "told"),
    [
        ({}, ["new", "end", "swapped"]),
        ({"types": ["end"]}, ["end"]),
        ({"types": ["adaptation"]}, ["swapped"]),
        ({"cameras": ["other"]}, []),
        ({"cameras": ["front"]}, ["new", "end", "swapped"]),
        ({"zones": ["drive"]}, []),
    ],
)
def test_what_a_receiver_gets(picked: dict[str, Any], told: list[str]) -> None:
    chosen = EventFilter.model_validate(picked)
    keyframe = AdaptationEvent(camera="front", kind="keyframe", time=1.0, media_time=9.5, model_version=1)
    events = [region_event("new"), camera_state(), region_event("end"), keyframe, swapped()]
    assert [event.type if hasattr(event, "type") else event.kind for event in events if wants(chosen, event)] == told  # type: ignore[union-attr]


async def test_a_webhook_is_posted_signed_and_as_it_is() -> None:
    async with webhook_receiver() as receiver:
        hooks = [{"url": receiver.url, "secret": "a long secret", "types": ["new", "end"]}]
        async with sinks_with(webhooks=hooks) as bench:
            for event in (region_event("new"), camera_state(), swapped(), region_event("end")):
                await bench.backend.tell(event)
            await until(lambda: bench.count("webhook-1", "delivered") == 2)
        first, second = receiver.requests
    assert [json.loads(request.body)["type"] for request in (first, second)] == ["new", "end"]
    signature = hmac.new(b"a long secret", first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-livesal-signature-256"] == f"sha256={signature}"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-livesal-delivery"] != second.headers["x-livesal-delivery"]


async def test_a_receiver_that_fails_is_tried_again_with_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
    async with webhook_receiver(500, 503, 429) as receiver, webhook(receiver.url) as (hook, pauses):
        assert await hook.deliver(region_event("new")) == "delivered"
        assert pauses == [0.5, 1.0, 2.0]
        assert len({request.headers["x-livesal-delivery"] for request in receiver.requests}) == 1
        assert "it answers 500" in caplog.text
        assert "hidden" not in caplog.text, "a token in the URL is no matter of the log"
        receiver.answers = [500] * 5
        assert await hook.deliver(region_event("end")) == "unreachable"
        assert len(receiver.requests) == 9
        receiver.answers = [400]
        assert await hook.deliver(region_event("end")) == "refused"
        assert len(receiver.requests) == 10, "what is not wanted is not tried again"


async def test_nobody_there_is_unreachable() -> None:
    async with webhook_receiver() as receiver:
        url = receiver.url
    async with webhook(url, attempts=2) as (hook, pauses):
        assert await hook.deliver(region_event("new")) == "unreachable"
        assert hook.problem
        assert len(pauses) == 1


async def test_a_receiver_that_hangs_delays_no_other_and_drops_its_oldest() -> None:
    async with webhook_receiver() as dead, webhook_receiver() as alive:
        dead.go.clear()
        hooks = [{"url": dead.url, "queue": 2, "timeout": 30}, {"url": alive.url}]
        async with sinks_with(2, webhooks=hooks) as bench:
            await bench.backend.tell(region_event("new"))
            await until(lambda: bool(dead.requests))
            for _ in range(5):
                await bench.backend.tell(region_event("update"))
            await until(lambda: bench.count("webhook-2", "delivered") == 6)
            await until(lambda: bench.count("webhook-1", "overflow") == 3)
            dead.go.set()
            await until(lambda: bench.count("webhook-1", "delivered") == 3)
    assert [json.loads(request.body)["type"] for request in dead.requests] == ["new", "update", "update"]


async def test_lines_are_written_and_full_files_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "events.jsonl"
    settings = {"path": path, "megabytes": 0.002, "files": 2, "types": ["new", "update", "end"]}
    async with sinks_with(json_lines=settings) as bench:
        for kind in ("new", *["update"] * 12, "end"):
            await bench.backend.tell(region_event(kind))  # type: ignore[arg-type]
        await until(lambda: bench.count("json-lines", "delivered") == 14)
    assert sorted(one.name for one in path.parent.iterdir()) == ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]
    assert all(one.stat().st_size <= 2000 for one in path.parent.iterdir())
    assert lines(path)[-1]["type"] == "end"
    assert lines(path)[-1]["after"]["box"] == [10, 20, 110, 70]


async def test_cloud_events_have_all_their_attributes(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with sinks_with(json_lines={"path": path, "format": "cloudevents"}) as bench:
        for event in (region_event("new"), swapped()):
            await bench.backend.tell(event)
        await until(lambda: bench.count("json-lines", "delivered") == 2)
    region, step = lines(path)
    data = region.pop("data")
    assert region == {
        "specversion": "1.0",
        "id": "1700000000.0-abc123/region.new/1700000000.5",
        "source": "/livesal/cameras/front",
        "type": "livesal.region.new",
        "subject": "1700000000.0-abc123",
        "time": "2023-11-14T22:13:20.500000+00:00",
        "datacontenttype": "application/json",
    }
    assert data["type"] == "new"
    assert (step["type"], step["subject"], step["data"]["model_version"]) == ("livesal.adaptation.swapped", "front", 1)


async def test_a_disk_that_is_full_loses_lines_with_a_word_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with JsonLines(JsonLinesSettings(path=path)) as sink:
        assert await sink.deliver(region_event("new")) == "delivered"
        with monkeypatch.context() as patch:
            patch.setattr(_Lines, "flush", full)
            assert await sink.deliver(region_event("update")) == "refused"
            assert await sink.deliver(region_event("update")) == "refused"
        assert caplog.text.count("No space left on device") == 1
        assert await sink.deliver(region_event("end")) == "delivered"
        assert sink.problem == ""
    assert lines(path)[-1]["type"] == "end"


async def test_a_file_that_cannot_be_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = EventSettings.model_validate({"json_lines": {"path": tmp_path / "file" / "events.jsonl"}})
    with pytest.raises(OutputError, match=r"events\.json_lines\.path .* cannot be written"):
        await Sinks(settings, Metrics()).__aenter__()
