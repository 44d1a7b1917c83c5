"""What the service does, live in the terminal: a line a camera, and the last events below."""

import time
from collections import deque
from typing import Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.service import Service
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent

_LINES: Final = 12
_COLOURS: Final = {
    "swapped": "green",
    "recalled": "green",
    "resumed": "green",
    "rolled-back": "yellow",
    "not-recalled": "yellow",
    "rejected": "yellow",
    "failed": "red",
    "degraded": "red",
    "retraining-started": "cyan",
    "retraining-finished": "cyan",
    "reset": "magenta",
}


class LiveView:
    """Draws a service; `note` takes its events, `__rich__` is called for every refresh."""

    def __init__(self, service: Service) -> None:
        """Begin without events."""
        self._service = service
        self._lines: deque[Text] = deque(maxlen=_LINES)

    def note(self, event: Event) -> str | None:
        """Take an event; return it as a plain line, or None if it is not worth one."""
        line = describe(event)
        if line is not None:
            colour = _COLOURS.get(event.kind, "white") if isinstance(event, AdaptationEvent) else "blue"
            stamp = time.strftime("%H:%M:%S")
            self._lines.append(Text.assemble((stamp, "dim"), "  ", (line, colour)))
        return line

    def __rich__(self) -> RenderableType:
        """Return the picture of now."""
        states = self._service.cameras()
        table = Table.grid(padding=(0, 2))
        table.add_row(*(Text(title, style="dim") for title in _TITLES))
        for state in states:
            table.add_row(*_cells(state))
        broker = self._service.mqtt_connected
        links = [f"preview [bold blue]{self._service.url}[/]"]
        if broker is not None:
            colour, word = ("green", "connected") if broker else ("red", "away")
            links.append(f"MQTT {escape(self._service.mqtt_address)} [{colour}]{word}[/]")
        links.append("[dim]Ctrl-C ends[/]")
        events: RenderableType = Group(*self._lines) if self._lines else Text("no events yet", style="dim")
        head = Text.from_markup("   ".join(links))
        return Group(head, Text(), table, Text(), Panel(events, title="events", title_align="left", border_style="dim"))


_TITLES: Final = (
    "camera",
    "source",
    "fps",
    "age",
    "NR",
    "keyframes",
    "adaptation",
    "rounds",
    "swaps",
    "regions",
    "dropped",
)


def _cells(state: CameraState) -> tuple[str, ...]:
    twin = f"twin {state.model_version}" if state.model_version else "original"
    return (
        state.camera,
        state.source,
        f"{state.fps:.1f}",
        f"{state.frame_age * 1000:.0f} ms",
        f"{state.nr:.2f}{'*' if state.is_keyframe else ''}",
        f"{state.keyframes} ({state.window} held)",
        f"{state.phase}, {twin}",
        f"{state.retrainings} ({state.rejected} rejected)",
        str(state.swaps),
        str(state.regions),
        str(sum(state.dropped.values())),
    )


def describe(event: Event) -> str | None:
    """Return an event in one line, or None for those that come too often to be read."""
    match event:
        case AdaptationEvent(kind="keyframe") | CameraState():
            return None
        case RegionEvent(type=kind, after=region):
            if kind == "update":
                return None
            word = "appeared" if kind == "new" else "went"
            return f"{region.camera}: region {region.id[-6:]} {word}, score {region.score:.2f}, box {region.box}"
        case AdaptationEvent():
            details = ", ".join(f"{key} {_figure(value)}" for key, value in event.details.items())
            return f"{event.camera}: {event.kind.replace('-', ' ')}{f' ({details})' if details else ''}"


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
