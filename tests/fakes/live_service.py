"""The real service with settings that make it quick: small pictures, short windows, short rounds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from configs.settings import Settings, merge
from configs.store import FileStore
from stream.channel import Channel
from stream.events import AdaptationEvent, AdaptationKind, Event

DEMO = "demo://?width=320&height=180&fps=10&cuts=0"
SIZE = (180, 320)

_QUICK: dict[str, Any] = {
    "http": {"port": 0},
    "method": {"area": 80 * 144, "keyframe_threshold": 1.0},
    "webrtc": {"encoding": {"width": SIZE[1], "idle": 0}},
    "regions": {"patience": 0.2, "update_interval": 0.2},
    "adaptation": {
        "first_keyframes": 3,
        "new_keyframes": 1,
        "cool_down": 0,
        "window": {"spacing": 0.05, "capacity": 4},
        "retraining": {"iterations_per_keyframe": 4, "timeout": 300},
    },
}


def quick_settings(cameras: Mapping[str, str | Mapping[str, Any]], **sections: Any) -> Settings:
    """Return settings for `cameras`, {name: URL or section}; `sections` go over the quick ones."""
    sources = {name: {"url": source} if isinstance(source, str) else source for name, source in cameras.items()}
    return Settings(**merge({**_QUICK, "cameras": sources}, sections))


def quick_store(path: Path, **sections: Any) -> FileStore:
    """Return the store of the file at `path`, with the quick settings over it and `sections` over those."""
    return FileStore(path, merge(_QUICK, sections))


async def told(events: Channel[Event], wanted: Callable[[Event], bool]) -> Event:
    """Return the next event that is wanted."""
    while True:
        event = await events.receive()
        if wanted(event):
            return event


async def step(events: Channel[Event], *kinds: AdaptationKind) -> AdaptationEvent:
    """Return the next step of an adaptation that is one of `kinds`."""
    event = await told(events, lambda event: isinstance(event, AdaptationEvent) and event.kind in kinds)
    assert isinstance(event, AdaptationEvent)
    return event
