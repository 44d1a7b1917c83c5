"""What the method hands from stage to stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.appearance import Appearance

Map = NDArray[np.float32]
"""A saliency map: (h, w) float32 in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What speaks for a frame as a keyframe besides its NR (`pipeline.selection`); None where nobody asked.

    Attributes:
        area: share of the frame that the salient part of LS covers.
        consistency: agreement of LS with that of the frame before, moved along the flow, [0, 1].
        decisiveness: 1 less the mean entropy of LS in bits, [0, 1].
        camera_support: share of the flow vectors that follow the camera's homography.
    """

    area: float | None = None
    consistency: float | None = None
    decisiveness: float | None = None
    camera_support: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SaliencyFrame:
    """All that the method says of one frame; every map has the working size.

    Attributes:
        motion: motion saliency MS (Eq. (5), or Eq. (4)).
        colour: colour saliency CS of the original network.
        low_level: LS = MS * CS (Eq. (6)).
        final: FS, of the twin's map and LS (`pipeline.fusion.final_map`).
        unadapted: what `final` would be without a twin; `final` itself while none is in service.
        nr: non-overlapping ratio of motion and colour (Eq. (7)), [0, 1].
        is_keyframe: whether `nr` is below the threshold and no criterion in use speaks against the frame.
        model_version: of the twin that `final` comes from; 0 = no twin.
        scene_cut: whether a new scene begins with this frame.
        criteria: what the criteria in use say of the frame.
        benefit: on a keyframe with a twin, how much nearer to LS the twin is than the original, [-1, 1]; else None.
    """

    motion: Map
    colour: Map
    low_level: Map
    final: Map
    unadapted: Map
    nr: float
    is_keyframe: bool
    model_version: int
    scene_cut: bool = False
    criteria: Criteria = Criteria()
    benefit: float | None = None

    def __post_init__(self) -> None:
        """Check that all maps have one size, and make them read-only.

        Raises:
            ValueError: sizes differ or a map is not two-dimensional float32.
        """
        for name in ("motion", "colour", "low_level", "final", "unadapted"):
            array: Map = getattr(self, name)
            if array.shape != self.motion.shape or array.ndim != 2 or array.dtype != np.float32:
                message = f"map '{name}' is {array.shape} {array.dtype}, expected {self.motion.shape} float32"
                raise ValueError(message)
            array.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class CloserLook:
    """A frame and the one before it at more than the working size, for a better pseudo-label.

    Attributes:
        before: (H, W, 3) uint8 RGB.
        now: the same.
    """

    before: NDArray[np.uint8]
    now: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        """Memory that the two take."""
        return self.before.nbytes + self.now.nbytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Keyframe:
    """A frame whose low-level saliency is trusted as a pseudo-label.

    Attributes:
        image: (h, w, 3) uint8 RGB at the working size, read-only.
        label: (h, w) float32 in [0, 1], the low-level saliency LS, as served or of a closer look, read-only.
        nr: non-overlapping ratio, [0, 1].
        media_time: seconds on the stream's clock.
        sequence: number of the frame in its stream.
        look: what the frame looks like from afar; None where nobody looked.
        closer: what a closer look has to go on, until it was taken; None = the label stays.
    """

    image: NDArray[np.uint8]
    label: Map
    nr: float
    media_time: float
    sequence: int
    look: Appearance | None = None
    closer: CloserLook | None = None

    def __post_init__(self) -> None:
        """Check that image and label fit, and make them read-only.

        Raises:
            ValueError: their sizes differ.
        """
        if self.image.shape != (*self.label.shape, 3):
            message = f"a keyframe's image {self.image.shape} does not fit its label {self.label.shape}"
            raise ValueError(message)
        self.image.flags.writeable = False
        self.label.flags.writeable = False

    @property
    def nbytes(self) -> int:
        """Memory that pictures and label take."""
        return self.image.nbytes + self.label.nbytes + (self.closer.nbytes if self.closer else 0)
