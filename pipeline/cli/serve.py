"""`livesal serve` and `livesal demo`: the service, until it is told to stop."""

import asyncio
import signal
from asyncio import TaskGroup
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.live import Live

from configs.errors import ConfigError
from configs.settings import Settings, load_settings, merge
from configs.store import ConfigStore, FileStore, MemoryStore
from pipeline.cli.common import SetOption, overrides
from pipeline.cli.failures import reported
from pipeline.cli.logs import LogFormat, Speaker, set_up_log, spoken
from pipeline.cli.terminal import LiveView
from pipeline.service import Service
from stream.broker import EmbeddedBroker

_REPORT: Final = 5.0
"""Seconds between two status lines where standard output is no terminal."""
_DEMO: Final = "demo://?width=1280&height=720&cuts=45"


LogFormatOption = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="One line of text, or one JSON object, for every record.", show_default="text"),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Listen on an address that others can reach without asking for a token.")
]


def serve(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="A YAML file with cameras and settings; `livesal schema` explains it. It is watched: what changes in "
            "it is made, and cameras changed over HTTP are written to it. By default the environment alone counts."
        ),
    ] = None,
    insecure: InsecureOption = False,
    log_format: LogFormatOption = None,
    changes: SetOption = None,
) -> None:
    """Serve cameras: preview page, WebRTC, HTTP API, MQTT events.

    livesal serve cameras.yaml

    livesal serve cameras.yaml -s http.port=9000
    """
    with reported():
        given = merge(_options(insecure=insecure, log_format=log_format), overrides(changes))
        store: ConfigStore
        if config is None:
            settings = load_settings(None, given)
            store = MemoryStore(settings)
            if not settings.cameras:
                message = "no camera: name a YAML file that has some, or set LIVESAL_CAMERAS__DOOR__URL=rtsp://…"
                raise ConfigError(message)
        else:
            store = FileStore(config, given)
            settings = store.reload()
        set_up_log(settings)
        asyncio.run(_serve(settings, store))


def demo(
    source: Annotated[
        str, typer.Argument(help="What to show: by default a generated scene; a file, device or URL works as well.")
    ] = _DEMO,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the preview page; 0 takes a free one.")] = 8080,
    insecure: InsecureOption = False,
    log_format: LogFormatOption = None,
    changes: SetOption = None,
) -> None:
    """See it work: a generated scene, an embedded MQTT broker, the preview in the browser. Nothing to set up.

    livesal demo

    livesal demo clip.mp4
    """
    with reported():
        basis: dict[str, Any] = {"cameras": {"demo": {"url": source, "loop": True}}, "http": {"port": port}}
        options = _options(insecure=insecure, log_format=log_format)
        settings = load_settings(None, merge(merge(basis, options), overrides(changes)))
        set_up_log(settings)
        asyncio.run(_serve(settings, None))


def _options(*, insecure: bool, log_format: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {"http": {"insecure": True}} if insecure else {}
    return options | ({"log": {"format": log_format}} if log_format else {})


async def _serve(settings: Settings, store: ConfigStore | None) -> None:
    """Run the service until it is told to stop or every source has ended; without a store, with a broker of its own."""
    say = spoken(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        if store is None and settings.mqtt.host is None:
            broker = await stack.enter_async_context(EmbeddedBroker())
            mqtt = settings.mqtt.model_copy(update={"host": "127.0.0.1", "port": broker.port})
            settings = settings.model_copy(update={"mqtt": mqtt})
        say("loading networks …")
        service = await stack.enter_async_context(Service(settings, store, set_up_log))
        say(f"preview: {service.url}")
        if settings.mqtt.host:
            say(f"MQTT:    {service.mqtt_address}, topics {settings.mqtt.prefix}/#")
        tasks = await stack.enter_async_context(TaskGroup())
        hangup = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, hangup.set)
        running = [
            tasks.create_task(_show(service, say), name="terminal"),
            tasks.create_task(_reload(service, hangup), name="reload on SIGHUP"),
        ]
        ending = tasks.create_task(service.wait(), name="wait for cameras")
        stopping = tasks.create_task(stop.wait(), name="wait for a signal")
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, ending, stopping):
            task.cancel()
        say("stopping …")
    say("stopped")


async def _reload(service: Service, hangup: asyncio.Event) -> None:
    """Read the configuration again whenever a signal asks for it."""
    while True:
        await hangup.wait()
        hangup.clear()
        await service.config.try_reload()


async def _show(service: Service, say: Speaker) -> None:
    """Say live what happens: redrawn in a terminal, as plain lines elsewhere."""
    view = LiveView(service)
    async with service.subscribe() as events, TaskGroup() as tasks:
        if say.redraws:
            with Live(view, console=say.console, refresh_per_second=4):
                async for event in events:
                    view.note(event)
        else:
            tasks.create_task(_report(service, say), name="status lines")
            async for event in events:
                if line := view.note(event):
                    say(line)


async def _report(service: Service, say: Speaker) -> None:
    while True:
        await asyncio.sleep(_REPORT)
        for state in service.cameras():
            say(
                f"{state.camera}: {state.source}, {state.fps:.1f} fps, age {state.frame_age * 1000:.0f} ms, "
                f"NR {state.nr:.2f}, {state.keyframes} keyframes, {state.phase}, {state.retrainings} retrainings, "
                f"{state.swaps} swaps, {state.rejected} rejected, {state.regions} regions"
            )
