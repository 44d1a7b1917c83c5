"""A camera's twins on disk, so that a restarted service goes on with what it had learned.

`FOLDER/CAMERA/twin.safetensors` holds the twin in service, `FOLDER/CAMERA/library/NAME.safetensors` the earlier ones:
the weights that were retrained and what the scene looks like; the metadata say of which network at which size, and
which keyframes the twin learned from. Every file is replaced in one step: a crash leaves the old one or the new one.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from models.checkpoint import read_state, save_state
from models.errors import CheckpointError
from pipeline.appearance import Appearance
from pipeline.library import KeyframeIndex, Twin

_FILE: Final = "twin.safetensors"
_LIBRARY: Final = "library"
_LOOKS: Final = ("looks/thumbnail", "looks/histogram", "looks/structure")
"""Names that no network's parameter has: those are joined by dots."""

_log = logging.getLogger("livesal.adaptation")


class TwinMemory:
    """The twins of one camera. All methods read or write files, and never raise for what they find there."""

    def __init__(self, folder: Path, camera: str, model: str) -> None:
        """Remember under `folder` the twins of `camera`, whose colour network is `model`."""
        self.path = folder / camera / _FILE
        self._library = folder / camera / _LIBRARY
        self._camera = camera
        self._model = model
        self._known: set[str] = set()

    def keep(self, serving: Twin | None, library: Iterable[Twin]) -> None:
        """Have the files say what is in service and what is remembered; a crash meanwhile leaves whole files."""
        held = {f"{twin.name}.safetensors": twin for twin in library}
        for name, twin in held.items():
            if name not in self._known:
                self._write(twin, self._library / name)
        self._known = set(held)
        if serving is not None:
            self._write(serving, self.path)
        else:
            self._remove(self.path)
        for path in self._library.glob("*"):
            if path.name not in held:
                self._remove(path)

    def recall(self, size: tuple[int, int]) -> Twin | None:
        """Return the twin that was in service with this network at `size`; None if there is none."""
        if not self.path.exists():
            return None
        twin = self._read(self.path)
        if twin is not None and twin.size != size:
            self._say_other(self.path, self._model, twin.size)
            return None
        return twin

    def recall_library(self) -> tuple[Twin, ...]:
        """Return the earlier twins of this network, the one unused for longest first."""
        files = [path for path in sorted(self._library.glob("*.safetensors")) if path.stem.isdigit()]
        found = [twin for twin in map(self._read, files) if twin is not None]
        self._known = {f"{twin.name}.safetensors" for twin in found}
        return tuple(found)

    def _write(self, twin: Twin, path: Path) -> None:
        metadata = {
            "model": self._model,
            "size": _text(twin.size),
            "window": json.dumps([astuple(one) for one in twin.index]),
        }
        try:
            save_state({**twin.state, **_tensors(twin.looks)}, path, metadata)
        except (OSError, SafetensorError) as error:
            _log.warning("%s: the twin cannot be kept in %s: %s", self._camera, path, error)

    def _read(self, path: Path) -> Twin | None:
        try:
            with safe_open(path, "pt") as file:
                found = file.metadata() or {}
            content = read_state(path)
            height, width = (int(side) for side in found.get("size", "").split("x"))
            index = tuple(KeyframeIndex(*one) for one in json.loads(found.get("window", "[]")))
            looks = _looks(content)
        except (OSError, SafetensorError, CheckpointError, ValueError, TypeError) as error:
            _log.warning("%s: the twin in %s cannot be read; the original serves: %s", self._camera, path, error)
            return None
        if found.get("model") != self._model:
            self._say_other(path, str(found.get("model")), (height, width))
            return None
        state = {name: value for name, value in content.items() if name not in _LOOKS}
        return Twin(state=state, size=(height, width), index=index, looks=looks, name=path.stem)

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: the twin in %s cannot be thrown away: %s", self._camera, path, error)

    def _say_other(self, path: Path, model: str, size: tuple[int, int]) -> None:
        _log.warning("%s: the twin in %s is of %s at %s; the original serves", self._camera, path, model, _text(size))


def _tensors(looks: tuple[Appearance, ...]) -> Mapping[str, Tensor]:
    if not looks:
        return {}
    parts = zip(*((look.thumbnail, look.histogram, look.structure) for look in looks), strict=True)
    return {
        name: torch.stack([torch.from_numpy(one) for one in part]) for name, part in zip(_LOOKS, parts, strict=True)
    }


def _looks(content: Mapping[str, Tensor]) -> tuple[Appearance, ...]:
    if not any(name in content for name in _LOOKS):
        return ()
    try:
        parts = [content[name].numpy() for name in _LOOKS]
    except KeyError as error:
        message = f"{error.args[0]} is missing"
        raise ValueError(message) from None
    return tuple(Appearance(*one) for one in zip(*parts, strict=True))


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
