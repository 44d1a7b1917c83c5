"""Settings of the method: the networks, the flow, fusion, keyframes and the twin's retraining."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from configs.base import Section
from configs.guards import DriftSettings, GuardSettings, LibrarySettings, SelectionSettings


class MethodSettings(Section):
    """What is computed for every frame."""

    colour: str = "livesal-colour"
    """Colour saliency network: a name of `livesal models`, `NAME=WEIGHTS`, a `.py:build` or an `.onnx` file."""
    motion: str = "livesal-motion"
    """Motion saliency network, or `contrast` for the conventional Eq. (4)."""
    motion_coding: Literal["flow-and-luminance", "coded-flow"] = "flow-and-luminance"
    """What the motion network is shown: flow and the frame's luminance, or flow on the colour wheel as in the paper."""
    flow: str = "dis"
    """Optical flow method: a registered name."""
    size: tuple[int, int] | None = None
    """Working size (height, width); by default follows the frame's aspect with about `area` pixels."""
    area: int = Field(default=160 * 288, ge=64 * 64, le=1024 * 1024, description="Pixels of the working size")
    flow_scale: float = Field(default=1.25, ge=0.5, le=4, description="Size that flow is estimated at, as a multiple")
    camera_motion: Literal["homography", "median", "none"] = "homography"
    """How the camera's own motion is removed from the flow."""
    keyframe_threshold: float = Field(
        default=0.6, gt=0, le=1, description="A frame with NR below this is a keyframe (Eq. (7))"
    )
    selection: SelectionSettings = SelectionSettings()
    fusion: Literal["product", "geometric-mean"] = "product"
    """How motion and colour become low-level saliency: the paper's product (Eq. (6)) or its square root."""
    final: Literal["mean", "product"] = "mean"
    """The final map: the mean of the twin's map and of what moves in it or in the original's; or Eq. (9)'s product."""
    smoothing: float = Field(
        default=0.75,
        ge=0,
        lt=1,
        description="Most that a final map takes over from the frame before, along the flow; 0 = nothing",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run; `auto` takes a GPU when there is one."""
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads that all cameras' frames share; by default one a core"
    )


class WindowSettings(Section):
    """The sliding window of keyframes."""

    capacity: int = Field(default=16, ge=2, le=4096, description="Most keyframes kept")
    megabytes: float = Field(default=64.0, gt=0, description="Most memory that the window's images and maps take")
    spacing: float = Field(default=0.25, ge=0, description="Least seconds of media time between two keyframes")
    maximum_age: float = Field(default=300.0, gt=0, description="Seconds of media time after which a keyframe leaves")
    keep: Literal["diverse", "newest"] = "diverse"
    """What leaves a full window: the keyframe that looks most like the new one, or the oldest."""


class TeacherSettings(Section):
    """A closer look at keyframes, in the background, that their pseudo-labels come from."""

    scale: float = Field(
        default=2.0,
        ge=1,
        le=4,
        description="Size of the closer look, as a multiple of the working size; 1 = none: LS as it was served",
    )
    mirror: bool = True
    """Whether the mirror image is looked at too, and the mean of both counts."""


class RetrainingSettings(Section):
    """One round of retraining the twin (Eq. (8))."""

    scope: Literal["all", "decoder"] = "decoder"
    """What is retrained: all layers as in the paper, or the decoder on cached features of the frozen encoder."""
    iterations_per_keyframe: int = Field(
        default=12, ge=1, le=1000, description="λ of Table IV: iterations = λ × keyframes"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="SGD's; by default 8e-3 for a decoder and 2e-4 for all layers"
    )
    momentum: float = Field(default=0.95, ge=0, lt=1, description="SGD's momentum")
    weight_decay: float = Field(default=5e-4, ge=0, description="SGD's weight decay")
    averaged: float = Field(
        default=0.5, ge=0, lt=1, description="Share of the iterations, the last ones, whose weights' mean is the twin"
    )
    start: Literal["original", "twin"] = "twin"
    """Weights that a round starts from: the original's, or those of the twin in service."""
    timeout: float = Field(default=120.0, gt=0, description="Seconds after which a round is killed")


class AdaptationSettings(Section):
    """When the twin is retrained and what it takes to swap it in."""

    enabled: bool = True
    """Whether a twin is retrained at all."""
    window: WindowSettings = WindowSettings()
    teacher: TeacherSettings = TeacherSettings()
    first_keyframes: int = Field(default=8, ge=1, description="Keyframes that start the first round")
    new_keyframes: int = Field(default=8, ge=1, description="New keyframes that start each further round")
    cool_down: float = Field(
        default=10.0, ge=0, description="Least seconds between the end of one round and the next start"
    )
    held_out: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="Share of the window that the twin is judged on instead: at least three keyframes, at most half",
    )
    failure_budget: int = Field(
        default=3, ge=1, description="Failed rounds in a row after which adaptation is degraded"
    )
    failure_pause: float = Field(
        default=60.0, ge=0, description="Seconds that a degraded adaptation waits before it tries again"
    )
    guard: GuardSettings = GuardSettings()
    drift: DriftSettings = DriftSettings()
    library: LibrarySettings = LibrarySettings()
    retraining: RetrainingSettings = RetrainingSettings()
    memory: Path | None = None
    """Folder in which every camera's twin is kept, so that a restarted service goes on with it; by default none is."""
    jobs: Path | None = None
    """Folder in which the last twenty rounds' jobs are kept, to look at with `livesal retrain`; by default none is."""


class RegionSettings(Section):
    """From the final map to salient regions, tracks and events."""

    threshold: float = Field(default=0.6, gt=0, lt=1, description="Saliency from which a pixel belongs to a region")
    minimum_area: float = Field(default=0.002, ge=0, lt=1, description="Least share of the frame that a region covers")
    minimum_hits: int = Field(default=3, ge=1, description="Frames in a row before a track is announced")
    patience: float = Field(default=1.0, gt=0, description="Seconds that a track outlives its last sighting")
    minimum_overlap: float = Field(default=0.2, gt=0, le=1, description="IoU from which a region continues a track")
    update_interval: float = Field(default=1.0, gt=0, description="Least seconds between two updates of one track")
