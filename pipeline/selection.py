"""Which frames to trust, beyond a low NR: what a pseudo-label and its motion say of their own quality.

Each criterion is a plain function of maps in which more is better; `method.selection` says which of them are asked.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from configs.guards import SelectionSettings
from pipeline.coded_flow import Flow
from pipeline.keyframes import CUT
from pipeline.values import Criteria, Map

_SALIENT: Final = 0.5
"""Share of the map's peak from which a pixel belongs to its salient part."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What the criteria need to know of a frame's motion.

    Attributes:
        flow: (h, w, 2) float32 pixels, the flow that arrives at each pixel of the frame, the camera's included.
        support: share of its vectors that the fit of the camera's motion is supported by.
    """

    flow: Flow
    support: float


class Selector:
    """Looks at one frame after the other; remembers the pseudo-label of the frame before."""

    def __init__(self, settings: SelectionSettings) -> None:
        """Begin without a frame before."""
        self._settings = settings
        self._previous: Map | None = None

    def look(self, label: Map, motion: Motion | None) -> Criteria:
        """Return what the criteria in use say of a frame; those that are not are None.

        Args:
            label: the pseudo-label LS, (h, w) in [0, 1].
            motion: None where the frame has none: the first of a stream or scene.
        """
        settings, previous = self._settings, self._previous
        area = settings.minimum_area is not None or settings.maximum_area is not None
        steady = settings.consistency is not None
        self._previous = label if steady else None
        if motion is None:
            previous = None
        return Criteria(
            area=salient_share(label) if area else None,
            consistency=_consistency(label, previous, motion) if steady else None,
            decisiveness=decisiveness(label) if settings.decisiveness is not None else None,
            camera_support=(motion.support if motion else 0.0) if settings.camera_support is not None else None,
        )


def objections(criteria: Criteria, settings: SelectionSettings) -> tuple[str, ...]:
    """Return the names of the criteria that speak against a keyframe; a criterion that is not in use never does."""
    bounds = {
        "area": (settings.minimum_area, settings.maximum_area),
        "consistency": (settings.consistency, None),
        "decisiveness": (settings.decisiveness, None),
        "camera_support": (settings.camera_support, None),
    }
    return tuple(name for name, (least, most) in bounds.items() if not _within(getattr(criteria, name), least, most))


def salient_share(label: Map) -> float:
    """Return the share of pixels that reach half the map's peak; 0 where the map is black (below 0.1)."""
    peak = float(label.max())
    return float(np.mean(label >= _SALIENT * peak)) if peak >= CUT else 0.0


def consistency(label: Map, moved: Map) -> float:
    """Return how far two maps agree, [0, 1]: 1 less the sum of their differences over the sum of both.

    Two black maps have no evidence of agreement: 0.
    """
    total = float(label.sum(dtype=np.float64) + moved.sum(dtype=np.float64))
    if total < 1:
        return 0.0
    return 1.0 - float(np.abs(label - moved).sum(dtype=np.float64)) / total


def follow(label: Map, flow: Flow) -> Map:
    """Return the frame before's `label` moved along `flow`, which arrives at each pixel of the current frame."""
    rows, columns = np.indices(label.shape, dtype=np.float32)
    moved = cv2.remap(label, columns - flow[..., 0], rows - flow[..., 1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def decisiveness(label: Map) -> float:
    """Return 1 less the mean entropy, in bits, of the pixels of 0.1 and more; 0 where there are none."""
    found = np.clip(label[label >= CUT], CUT, 1 - 1e-6).astype(np.float64)
    if not found.size:
        return 0.0
    return float(1 + np.mean(found * np.log2(found) + (1 - found) * np.log2(1 - found)))


def _consistency(label: Map, previous: Map | None, motion: Motion | None) -> float:
    if previous is None or motion is None or previous.shape != label.shape:
        return 0.0
    return consistency(label, follow(previous, motion.flow))


def _within(value: float | None, least: float | None, most: float | None) -> bool:
    if value is None:
        return True
    return (least is None or value >= least) and (most is None or value <= most)
