"""A camera's twin on disk, so that a restarted service goes on with what it had learned.

`FOLDER/CAMERA/twin.safetensors` holds the weights that were retrained; its metadata say of which network at which size,
and which keyframes it learned from.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from models.checkpoint import read_state, save_state
from models.errors import CheckpointError
from pipeline.values import Keyframe

_FILE: Final = "twin.safetensors"

_log = logging.getLogger("livesal.adaptation")


class TwinMemory:
    """The twin of one camera. All methods read or write files, and never raise for what they find there."""

    def __init__(self, folder: Path, camera: str, model: str) -> None:
        """Remember under `folder` the twin of `camera`, whose colour network is `model`."""
        self.path = folder / camera / _FILE
        self._camera = camera
        self._model = model

    def keep(self, state: Mapping[str, Tensor], size: tuple[int, int], window: Sequence[Keyframe]) -> None:
        """Write an accepted twin in place of the one before; a crash meanwhile leaves that one.

        Args:
            state: the weights that were retrained.
            size: (h, w) that it was trained at.
            window: the keyframes that it learned from.
        """
        index = [{"sequence": one.sequence, "media_time": one.media_time, "nr": one.nr} for one in window]
        metadata = {"model": self._model, "size": _text(size), "window": json.dumps(index)}
        try:
            save_state(state, self.path, metadata)
        except (OSError, SafetensorError) as error:
            _log.warning("%s: the twin cannot be kept in %s: %s", self._camera, self.path, error)

    def recall(self, size: tuple[int, int]) -> Mapping[str, Tensor] | None:
        """Return the weights of the twin that was kept for this network and `size`; None if there is none."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                found = file.metadata() or {}
            state = read_state(self.path)
        except (OSError, SafetensorError, CheckpointError) as error:
            _log.warning("%s: the twin in %s cannot be read; the original serves: %s", self._camera, self.path, error)
            return None
        expected = {"model": self._model, "size": _text(size)}
        if {key: found.get(key) for key in expected} != expected:
            described = f"{found.get('model')} at {found.get('size')}"
            _log.warning("%s: the twin in %s is of %s; the original serves", self._camera, self.path, described)
            return None
        return state

    def forget(self) -> None:
        """Throw the twin away: what it had learned is of no more use."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: the twin in %s cannot be thrown away: %s", self._camera, self.path, error)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
