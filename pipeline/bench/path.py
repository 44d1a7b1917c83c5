"""`livesal bench path`: the whole live path as its users have it, from a paced source to a viewer's screen."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from configs.settings import merge
from pipeline.bench.options import BenchOptions
from pipeline.bench.path_figures import Recording, figures, lines, rows
from pipeline.bench.processes import free_port, serving, watching
from pipeline.bench.report import BenchReport

CAMERA: Final = "bench"
VIEW: Final = "overlay"


def measure(options: BenchOptions) -> BenchReport:
    """Serve a live source to one viewer of the overlay, with adaptation on, and record both sides."""
    seconds = options.lasting(180)
    recording = asyncio.run(_record(options, seconds))
    source = options.source or f"generated {options.frame[1]}x{options.frame[0]} scene, {options.fps} pictures/s"
    notes = [
        "capture to screen: from when a picture left the source to when the viewer had decoded it, by the number in it",
        "with retraining / without: frames of this run during rounds, against the frames outside of them",
    ]
    if options.source:
        notes.append("capture to screen: not measured, for this source has no numbers burnt in")
    if not recording.swaps:
        notes.append("no twin was swapped in within this run: measure longer, or leave the machine to it")
    return BenchReport(
        verb="path",
        about=f"{source}; WebRTC to one viewer, colour + motion + twin + overlay, {seconds:g} s",
        rows=rows(recording),
        figures=figures(recording, options.fps, numbered=options.source is None),
        notes=notes,
        lines=lines(recording),
        axes=("seconds", "milliseconds"),
    )


def service_settings(
    cameras: Mapping[str, str], port: int, changes: Mapping[str, Any], *, loop: bool = True
) -> dict[str, Any]:
    """Return the settings of a service that plays sources live, without MQTT."""
    sources = {name: {"url": url, "live": True, "loop": loop} for name, url in cameras.items()}
    return dict(merge({"cameras": sources, "http": {"host": "127.0.0.1", "port": port}}, changes))


def endpoints(port: int, cameras: Sequence[str], view: str = VIEW) -> list[str]:
    """Return the WHEP endpoints of a view of cameras."""
    return [f"http://127.0.0.1:{port}/cameras/{camera}/{view}/whep" for camera in cameras]


async def _record(options: BenchOptions, seconds: float) -> Recording:
    port = free_port()
    url = options.source or options.demo(numbered=True)
    settings = service_settings({CAMERA: url}, port, options.changes)
    async with watching(endpoints(port, [CAMERA])) as viewer, serving(settings) as service:
        ready = await service.told()
        service.sample()
        await viewer.told()
        await service.sample_for(seconds)
        await viewer.told()  # on a machine too busy for that, until enough has been seen
        shown = await viewer.end()
        recorded = await service.end()
    return Recording.of(recorded, shown["viewers"][0], service, float(ready["at"]))
