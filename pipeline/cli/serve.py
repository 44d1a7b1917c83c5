"""`livesal serve` and `livesal demo`: the service, until it is told to stop."""

import asyncio
import signal
import sys
from asyncio import TaskGroup
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live

from configs.errors import ConfigError
from configs.settings import Settings, load_settings, merge
from pipeline.cli.common import SetOption, log_at, overrides
from pipeline.cli.failures import reported
from pipeline.cli.terminal import LiveView
from pipeline.service import Service
from stream.broker import EmbeddedBroker

_REPORT: Final = 5.0
"""Seconds between two status lines where standard output is no terminal."""
_DEMO: Final = "demo://?width=1280&height=720&cuts=45"


InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Listen on an address that others can reach without asking for a token.")
]


def serve(
    config: Annotated[
        Path, typer.Argument(help="A YAML file with cameras and settings; `livesal schema` explains it.")
    ],
    insecure: InsecureOption = False,
    changes: SetOption = None,
) -> None:
    """Serve cameras: preview page, WebRTC, HTTP API, MQTT events.

    livesal serve cameras.yaml

    livesal serve cameras.yaml -s http.port=9000
    """
    with reported():
        settings = load_settings(config, merge(_access(insecure=insecure), overrides(changes)))
        log_at(settings.log.level)
        if not settings.cameras:
            message = f"{config}: names no camera; add one, such as 'cameras: {{door: {{url: rtsp://…}}}}'"
            raise ConfigError(message)
        asyncio.run(_serve(settings, embedded_broker=False))


def demo(
    source: Annotated[
        str, typer.Argument(help="What to show: by default a generated scene; a file, device or URL works as well.")
    ] = _DEMO,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the preview page; 0 takes a free one.")] = 8080,
    insecure: InsecureOption = False,
    changes: SetOption = None,
) -> None:
    """See it work: a generated scene, an embedded MQTT broker, the preview in the browser. Nothing to set up.

    livesal demo

    livesal demo clip.mp4
    """
    with reported():
        basis: dict[str, Any] = {"cameras": {"demo": {"url": source, "loop": True}}, "http": {"port": port}}
        settings = load_settings(None, merge(merge(basis, _access(insecure=insecure)), overrides(changes)))
        log_at(settings.log.level)
        asyncio.run(_serve(settings, embedded_broker=settings.mqtt.host is None))


def _access(*, insecure: bool) -> dict[str, Any]:
    return {"http": {"insecure": True}} if insecure else {}


async def _serve(settings: Settings, *, embedded_broker: bool) -> None:
    """Run the service until it is told to stop or every source has ended."""
    console = Console()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        if embedded_broker:
            broker = await stack.enter_async_context(EmbeddedBroker())
            mqtt = settings.mqtt.model_copy(update={"host": "127.0.0.1", "port": broker.port})
            settings = settings.model_copy(update={"mqtt": mqtt})
        console.print("[dim]loading networks …[/]")
        service = await stack.enter_async_context(Service(settings))
        console.print(f"preview: [bold]{service.url}[/]", highlight=False, soft_wrap=True)
        if settings.mqtt.host:
            console.print(f"MQTT:    {service.mqtt_address}, topics {settings.mqtt.prefix}/#", highlight=False)
        tasks = await stack.enter_async_context(TaskGroup())
        showing = tasks.create_task(_show(service, console), name="terminal")
        ending = tasks.create_task(service.wait(), name="wait for cameras")
        stopping = tasks.create_task(stop.wait(), name="wait for a signal")
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (showing, ending, stopping):
            task.cancel()
        console.print("stopping …")
    console.print("stopped")


async def _show(service: Service, console: Console) -> None:
    """Say live what happens: redrawn in a terminal, as plain lines elsewhere."""
    view = LiveView(service)
    async with service.subscribe() as events, TaskGroup() as tasks:
        if sys.stdout.isatty():
            with Live(view, console=console, refresh_per_second=4):
                async for event in events:
                    view.note(event)
        else:
            tasks.create_task(_report(service, console), name="status lines")
            async for event in events:
                if line := view.note(event):
                    console.print(line, highlight=False, soft_wrap=True, markup=False)


async def _report(service: Service, console: Console) -> None:
    while True:
        await asyncio.sleep(_REPORT)
        for state in service.cameras():
            console.print(
                f"{state.camera}: {state.source}, {state.fps:.1f} fps, age {state.frame_age * 1000:.0f} ms, "
                f"NR {state.nr:.2f}, {state.keyframes} keyframes, {state.phase}, {state.retrainings} retrainings, "
                f"{state.swaps} swaps, {state.rejected} rejected, {state.regions} regions",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )
