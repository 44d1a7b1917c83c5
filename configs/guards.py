"""Settings of what keeps adaptation from doing harm: selection, guard, live statistics, the library of twins."""

from pydantic import Field

from configs.base import Section


class SelectionSettings(Section):
    """What a frame needs besides a low NR to become a keyframe; a criterion that is null is not looked at."""

    minimum_area: float | None = Field(
        default=None, ge=0, le=1, description="Least share of the frame that the pseudo-label's salient part covers"
    )
    maximum_area: float | None = Field(default=None, ge=0, le=1, description="Largest share of it")
    consistency: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least agreement of the pseudo-label with that of the frame before, moved along the flow",
    )
    decisiveness: float | None = Field(
        default=None, ge=0, le=1, description="Least decisiveness of the pseudo-label: 1 less its mean entropy in bits"
    )
    camera_support: float | None = Field(
        default=None, ge=0, le=1, description="Least share of flow vectors that follow the camera's homography"
    )


class GuardSettings(Section):
    """What a twin must show on keyframes that it has not learned from; else it is rejected."""

    flip_tolerance: float = Field(
        default=0.5,
        ge=0,
        description="Share by which the twin may differ more from its own map of the mirrored frame than what serves",
    )
    invented: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="Saliency that the twin may add on average where the original is sure that nothing is salient",
    )
    contradicted: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Most saliency that the pseudo-labels may have on average where the original is sure of none",
    )


class DriftSettings(Section):
    """Live statistics, in steps of a second of media time: when a twin is taken back, and when a scene has drifted."""

    enabled: bool = True
    """Whether live statistics are watched at all; scene cuts are noticed in any case."""
    probation: int = Field(
        default=8,
        ge=0,
        description="Seconds with keyframes that a new twin may be rolled back in, and no round starts; 0 = none",
    )
    slack: float = Field(
        default=0.15, ge=0, le=2, description="Fall of the twin's benefit that counts for nothing, of a range of 2"
    )
    fall: float = Field(
        default=0.5, gt=0, description="Sum over seconds of the benefit's fall beyond the slack that is an alarm"
    )
    settle: int = Field(default=20, ge=2, description="Seconds before NR is judged by its own mean and deviation")
    deviations: float = Field(
        default=12.0, gt=0, description="Sum over seconds of NR's rise, in deviations beyond one, that is an alarm"
    )


class LibrarySettings(Section):
    """Earlier twins of a camera, tried again when their scene returns."""

    capacity: int = Field(default=6, ge=0, le=64, description="Most twins remembered; 0 = none")
    megabytes: float = Field(default=64.0, gt=0, description="Most memory that they take")
    unlikeness: float = Field(
        default=0.4, gt=0, le=2.5, description="How unlike, at most, a scene looks that counts as the same; 0 = equal"
    )
    keyframes: int = Field(default=3, ge=1, description="Keyframes of a new scene that a remembered twin is tried on")
