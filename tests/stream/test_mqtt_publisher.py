"""The publisher where no broker answers as it should, and with the embedded one."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt
import pytest

from configs.output import MqttSettings
from configs.source import ReconnectSettings
from stream.broker import EmbeddedBroker
from stream.errors import BrokerError
from stream.mqtt import MqttPublisher
from tests.fakes.mqtt_events import camera_state, region_event
from tests.fakes.waiting import Pauses, until

QUICK = ReconnectSettings.model_validate({"initial": 0.01, "maximum": 0.02})


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as sought:
        sought.bind(("127.0.0.1", 0))
        port: int = sought.getsockname()[1]
        return port


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """The port of a server that takes connections and never says a word."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in writers:
        writer.close()
    await server.wait_closed()


def settings(port: int, **others: Any) -> MqttSettings:
    return MqttSettings.model_validate({"host": "127.0.0.1", "port": port, **others})


async def test_without_a_host_there_is_no_publisher() -> None:
    with pytest.raises(ValueError, match=r"mqtt\.host is not set"):
        MqttPublisher(MqttSettings.model_validate({}), [])


async def test_a_broker_that_is_down_is_said_once_however_often_it_is_tried(
    closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = Pauses()
    publisher = MqttPublisher(settings(closed_port), ["front"], reconnect=QUICK, random=pauses)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publisher.run(), name="mqtt")
        await until(lambda: pauses.count >= 5)
        publisher.close()
    (warning,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert f"no MQTT broker at 127.0.0.1:{closed_port}" in warning
    assert "refused" in warning
    assert publisher.connects == 0


async def test_publish_never_waits_and_what_it_drops_is_counted(closed_port: int) -> None:
    publisher = MqttPublisher(settings(closed_port, outbox=10), ["front"])
    publisher.publish(camera_state())
    for _ in range(30):
        publisher.publish(region_event("new"))
    publisher.publish(camera_state(camera="back"))
    assert publisher.dropped["unknown-camera"] == 1
    assert publisher.dropped["state-overflow"] >= 4
    assert publisher.dropped["event-overflow"] == 50, "each event is told on two topics"


async def test_a_broker_that_never_answers_is_left_without_a_trace(silent_port: int) -> None:
    before = asyncio.all_tasks()
    pauses = Pauses()
    publisher = MqttPublisher(settings(silent_port), [], reconnect=QUICK, random=pauses, timeout=0.05)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publisher.run(), name="mqtt")
        await until(lambda: pauses.count >= 2)
        publisher.close()
    assert "timed out" in publisher.problem
    await until(lambda: asyncio.all_tasks() == before)


async def test_cancelling_while_it_connects_leaves_no_task(silent_port: int) -> None:
    before = asyncio.all_tasks()
    publisher = MqttPublisher(settings(silent_port), [], timeout=0.2)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(publisher.run(), name="mqtt")
        await until(lambda: any(task.get_name() == "mqtt-connect" for task in asyncio.all_tasks()))
        task.cancel()
    assert task.cancelled()
    await until(lambda: asyncio.all_tasks() == before)


async def test_time_passes_without_events_too() -> None:
    """Motion ends by the clock alone: nothing is published after the region's end."""
    async with EmbeddedBroker() as broker, aiomqtt.Client("127.0.0.1", broker.port) as reader:
        await reader.subscribe("livesal/front/motion", qos=1)
        publisher = MqttPublisher(settings(broker.port, motion_hold=0.05), ["front"])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run(), name="mqtt")
            await until(lambda: publisher.connected)
            publisher.publish(region_event("new"))
            publisher.publish(region_event("end"))
            payloads = [(await anext(reader.messages)).payload for _ in range(3)]
            publisher.close()
    assert payloads == [b"OFF", b"ON", b"OFF"]


async def test_the_embedded_broker_keeps_states_and_passes_events_on() -> None:
    async with EmbeddedBroker() as broker:
        publisher = MqttPublisher(settings(broker.port), ["front"])
        publisher.publish(camera_state())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run(), name="mqtt")
            await until(lambda: publisher.connected)
            async with aiomqtt.Client("127.0.0.1", broker.port) as reader:
                await reader.subscribe("livesal/#", qos=1)
                kept = [await anext(reader.messages) for _ in range(4)]
                assert all(message.retain for message in kept)
                publisher.publish(region_event("new"))
                event = await anext(reader.messages)
                assert (str(event.topic), event.retain) == ("livesal/events", False)
                publisher.close()
                while str((last := await anext(reader.messages)).topic) != "livesal/available":
                    pass
                assert last.payload == b"offline"


async def test_the_embedded_broker_names_a_port_in_use() -> None:
    async with EmbeddedBroker() as broker:
        second = EmbeddedBroker(port=broker.port)
        with pytest.raises(BrokerError, match=rf"127\.0\.0\.1:{broker.port}: the port is in use.*port 0"):
            await second.__aenter__()


async def test_the_embedded_broker_ends_with_clients_still_there() -> None:
    before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        async with EmbeddedBroker() as broker:
            publisher = MqttPublisher(settings(broker.port), ["front"], reconnect=QUICK)
            tasks.create_task(publisher.run(), name="mqtt")
            await until(lambda: publisher.connected)
        await until(lambda: bool(publisher.problem))
        publisher.close()
    await until(lambda: asyncio.all_tasks() == before)


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BrokerError, match=r"cannot listen on 203\.0\.113\.1:1883"):
        await EmbeddedBroker("203.0.113.1", 1883).__aenter__()
