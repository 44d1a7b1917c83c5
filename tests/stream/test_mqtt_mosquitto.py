"""The publisher with a real Mosquitto, read by `mosquitto_sub`."""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from configs.output import MqttSettings
from configs.source import ReconnectSettings
from stream.mqtt import MqttPublisher
from stream.mqtt_connection import connected
from tests.fakes.certificates import self_signed
from tests.fakes.mosquitto import Mosquitto, Received, reading, send
from tests.fakes.mqtt_events import camera_state, region_event, swapped
from tests.fakes.waiting import Pauses, until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
QUICK = ReconnectSettings.model_validate({"initial": 0.05, "maximum": 0.1})


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as broker:
        yield broker


def _settings(port: int, **others: Any) -> MqttSettings:
    return MqttSettings.model_validate({"host": "127.0.0.1", "port": port, **others})


@asynccontextmanager
async def _running(publisher: MqttPublisher) -> AsyncIterator[MqttPublisher]:
    """Run `publisher` in a task; close it at the end and wait for that."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publisher.run(), name="mqtt")
        yield publisher
        publisher.close()


def _words(messages: list[Received]) -> list[tuple[str, str]]:
    return [(message.topic, "…" if message.payload[:1] == b"{" else message.payload.decode()) for message in messages]


async def test_a_connect_tells_everything_and_online_last(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), ["front"])
    publisher.publish(camera_state())
    async with reading(broker.port, "livesal/#") as reader, _running(publisher):
        assert _words(await reader.until_topic("livesal/available")) == [
            ("livesal/front/state", "…"),
            ("livesal/front/motion", "OFF"),
            ("livesal/front/adapt/state", "ON"),
            ("livesal/front/available", "online"),
            ("livesal/available", "online"),
        ]
    async with reading(broker.port, "livesal/#") as late:
        kept = await late.take(4)
        assert all(message.retained for message in kept)
        assert sorted(_words(kept)) == [
            ("livesal/available", "offline"),
            ("livesal/front/adapt/state", "ON"),
            ("livesal/front/available", "online"),
            ("livesal/front/state", "…"),
        ]


async def test_the_life_of_a_region_is_seen(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), ["front"])
    async with reading(broker.port, "livesal/#") as reader, _running(publisher):
        await reader.until_topic("livesal/available", b"online")
        publisher.publish(camera_state())
        for kind in ("new", "update", "end"):
            publisher.publish(region_event(kind))
        publisher.publish(swapped())
        messages = await reader.until_topic("livesal/adaptation")
    events = [json.loads(message.payload) for message in messages if message.topic == "livesal/events"]
    assert [event["type"] for event in events] == ["new", "update", "end"]
    assert events[2]["after"]["box"] == [10, 20, 110, 70]
    assert events[2]["after"]["end_time"] == 1700000000.5
    assert json.loads(messages[-1].payload)["type"] == "swapped"
    assert ("livesal/front/motion", "ON") in _words(messages)
    assert ("livesal/front/available", "online") in _words(messages)
    state = next(json.loads(message.payload) for message in messages if message.topic == "livesal/front/state")
    assert (state["pts"], state["source"], state["phase"]) == (900, "up", "warming")
    assert {message.qos for message in messages if message.topic == "livesal/events"} == {1}
    assert publisher.dropped == {}


async def test_all_comes_back_after_the_broker_was_killed(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), ["front"], reconnect=QUICK)
    publisher.publish(camera_state(frames=1))
    async with _running(publisher):
        async with reading(broker.port, "livesal/#") as reader:
            await reader.until_topic("livesal/available", b"online")
        await broker.kill()
        await until(lambda: bool(publisher.problem))
        publisher.publish(camera_state(frames=2))
        await broker.start()
        async with reading(broker.port, "livesal/#") as reader:
            messages = await reader.until(_all("livesal/available", "livesal/front/available", "livesal/front/state"))
            await until(lambda: publisher.connected)
            publisher.publish(region_event("new", "1700000009.0-zzzzzz"))
            await reader.until(lambda got: b"zzzzzz" in got.payload)
    assert publisher.connects == 2
    assert publisher.problem == ""
    assert [message.payload for message in messages if message.topic.endswith("available")] == [b"online", b"online"]
    (state,) = (json.loads(message.payload) for message in messages if message.topic == "livesal/front/state")
    assert state["frames"] == 2


async def test_events_of_a_time_without_broker_are_not_lost(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader subscribes between the broker's return and the publisher's, which waits at a gate for that."""
    gate = asyncio.Event()
    gate.set()

    @asynccontextmanager
    async def gated(*arguments: Any) -> AsyncIterator[aiomqtt.Client]:
        await gate.wait()
        async with connected(*arguments) as client:
            yield client

    monkeypatch.setattr("stream.mqtt.connected", gated)
    publisher = MqttPublisher(_settings(broker.port), ["front"], reconnect=QUICK)
    async with _running(publisher):
        await until(lambda: publisher.connected)
        gate.clear()
        await broker.kill()
        await until(lambda: bool(publisher.problem))
        for kind in ("new", "update", "end"):
            publisher.publish(region_event(kind))
        await broker.start()
        async with reading(broker.port, "livesal/#") as reader:
            gate.set()
            messages = await reader.until(lambda got: b'"end"' in got.payload)
    told = [message for message in messages if message.topic == "livesal/events"]
    assert [json.loads(message.payload)["type"] for message in told] == ["new", "update", "end"]
    assert _words(messages)[-6] == ("livesal/available", "online"), "then the events, each on two topics"
    assert publisher.connects == 2


async def test_the_last_will_says_offline_when_the_process_dies(broker: Mosquitto) -> None:
    program = (
        "import asyncio\n"
        "from configs.output import MqttSettings\n"
        "from stream.mqtt import MqttPublisher\n"
        f"settings = MqttSettings.model_validate({{'host': '127.0.0.1', 'port': {broker.port}}})\n"
        "async def main():\n"
        "    await MqttPublisher(settings, ['front']).run()\n"
        "asyncio.run(main())\n"
    )
    async with reading(broker.port, "livesal/available") as reader:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=PIPE
        )
        try:
            await reader.until_topic("livesal/available", b"online")
            child.send_signal(signal.SIGKILL)
            (will,) = await reader.until_topic("livesal/available", b"offline")
            assert not will.retained
        finally:
            if child.returncode is None:
                child.kill()
            await child.communicate()
    async with reading(broker.port, "livesal/available") as late:
        (kept,) = await late.until_topic("livesal/available")
        assert (kept.payload, kept.retained) == (b"offline", True)


async def test_a_cancelled_publisher_says_offline_too(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), [])
    async with reading(broker.port, "livesal/available") as reader, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(publisher.run(), name="mqtt")
        await reader.until_topic("livesal/available", b"online")
        task.cancel()
        await reader.until_topic("livesal/available", b"offline")
    assert task.cancelled()
    assert not publisher.connected


async def test_commands_reach_the_callback(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    obeyed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    publisher = MqttPublisher(
        _settings(broker.port), ["front"], command=lambda camera, command: obeyed.put_nowait((camera, command))
    )
    async with reading(broker.port, "livesal/available") as reader, _running(publisher):
        await reader.until_topic("livesal/available", b"online")
        await send(broker.port, "livesal/front/adapt/set", "dance")
        await send(broker.port, "livesal/back/adapt/set", "ON")
        await send(broker.port, "livesal/front/adapt/set", "RESET")
        assert await obeyed.get() == ("front", "RESET")
    assert obeyed.empty()
    assert "unknown command 'dance'" in caplog.text
    assert "no camera 'back'" in caplog.text


async def test_a_snapshot_comes_from_a_thread_and_one_that_fails_costs_nothing(broker: Mosquitto) -> None:
    pictures = iter([b"\xff\xd8picture"])
    publisher = MqttPublisher(
        _settings(broker.port, snapshot_interval=0.05), ["front"], snapshot=lambda _: next(pictures)
    )
    publisher.publish(camera_state(frames=1))
    async with reading(broker.port, "livesal/front/snapshot", "livesal/events") as reader, _running(publisher):
        (picture,) = await reader.until_topic("livesal/front/snapshot")
        assert picture.payload == b"\xff\xd8picture"
        publisher.publish(camera_state(frames=2))
        await until(lambda: next(pictures, None) is None)
        publisher.publish(region_event("new"))
        await reader.until_topic("livesal/events")


async def test_a_removed_camera_leaves_nothing_on_the_broker(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), ["front"])
    publisher.publish(camera_state())
    async with reading(broker.port, "livesal/#") as reader, _running(publisher):
        await reader.until_topic("livesal/available", b"online")
        publisher.remove_camera("front")
        messages = await reader.until_topic("livesal/front/adapt/state", b"")
        assert {message.topic for message in messages if not message.payload} == {
            "livesal/front/available",
            "livesal/front/state",
            "livesal/front/adapt/state",
        }
        publisher.publish(camera_state())
        assert publisher.dropped["unknown-camera"] == 1


async def test_wrong_credentials_are_said_once_and_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pauses = Pauses()
    async with Mosquitto(tmp_path, {"livesal": "right"}) as broker:
        wrong = _settings(broker.port, username="livesal", password="hunter2")  # noqa: S106 - made up
        async with _running(MqttPublisher(wrong, [], reconnect=QUICK, random=pauses)):
            await until(lambda: pauses.count >= 3)
        warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert "refuses the connection" in warnings[0]
        assert "Not authorized" in warnings[0]
        assert "mqtt.password" in warnings[0]
        assert "hunter2" not in caplog.text
        right = _settings(broker.port, username="livesal", password="right")  # noqa: S106 - made up
        async with _running(MqttPublisher(right, [])) as other:
            await until(lambda: other.connected)


def _all(*topics: str) -> Callable[[Received], bool]:
    """Return whether every topic has been seen by now."""
    missing = set(topics)

    def seen(got: Received) -> bool:
        missing.discard(got.topic)
        return not missing

    return seen


async def test_home_assistant_is_told_first_again_at_its_birth_and_at_removal(broker: Mosquitto) -> None:
    publisher = MqttPublisher(_settings(broker.port), ["front"])
    config = "homeassistant/device/livesal_front/config"
    async with reading(broker.port, "#") as reader, _running(publisher):
        first = await reader.until_topic("livesal/available", b"online")
        assert first[0].topic == config, "what a camera is comes before its states"
        await send(broker.port, "homeassistant/status", "online")
        again = await reader.until_topic("livesal/front/available")
        assert config in [message.topic for message in again]
        publisher.remove_camera("front")
        gone = await reader.until_topic(config)
        assert gone[-1].payload == b""


async def test_a_broker_is_reached_by_tls_and_a_wrong_authority_is_named(tmp_path: Path) -> None:
    authority, key = self_signed(tmp_path, "localhost")
    other, _ = self_signed(tmp_path / "other", "localhost")
    async with Mosquitto(tmp_path, tls=(authority, key)) as broker:
        good = _settings(broker.port, ca=authority, host="localhost")
        async with _running(MqttPublisher(good, ["front"])) as publisher:
            await until(lambda: publisher.connected)
        bad = MqttPublisher(_settings(broker.port, ca=other, host="localhost"), ["front"], reconnect=QUICK)
        async with _running(bad):
            await until(lambda: bool(bad.problem))
        assert "certificate" in bad.problem.lower()
        gc.collect()  # a socket left behind by the failed handshake would be told of here
        missing = MqttPublisher(_settings(broker.port, ca=tmp_path / "nowhere.pem"), ["front"], reconnect=QUICK)
        async with _running(missing):
            await until(lambda: bool(missing.problem))
        assert "nowhere.pem" in missing.problem
        assert "mqtt.ca" in missing.problem
