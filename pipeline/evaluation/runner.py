"""The method over one video: live, as a viewer would have got it, or as in the paper, in two passes over the whole."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import BinaryIO, Final, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from configs.settings import Settings
from models.engine import ServedNetwork, serve
from models.loading import load_servable
from models.registry import flow_entry
from models.slot import Slot
from pipeline.adapter import Adapter
from pipeline.evaluation.results import Counts
from pipeline.fusion import final_map
from pipeline.networks import CONTRAST, choose_device
from pipeline.retraining.job import run_job
from pipeline.retraining.rounds import RoundRequest, SimulatedRounds, job_of
from pipeline.saliency_path import ColourHalf, MotionHalf, combine
from pipeline.values import Keyframe, SaliencyFrame
from pipeline.window import KeyframeWindow
from pipeline.working_size import flow_size, shrink, working_size

Mode = Literal["live", "paper"]
"""Causal, with a simulated clock; or the whole video in two passes."""

MODES: Final[tuple[Mode, ...]] = ("live", "paper")


class Pictured(Protocol):
    """Anything that has a picture."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        ...


P = TypeVar("P", bound=Pictured)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """How videos are gone through; it can be pickled.

    Attributes:
        mode: live or paper.
        settings: of networks, flow, fusion and adaptation.
        round_seconds: simulated duration of a round of retraining in live mode; None = what it really took.
        frame_rate: of the data set's videos in frames a second, which tells how many frames a round lasts.
    """

    mode: Mode
    settings: Settings
    round_seconds: float | None = None
    frame_rate: float = 25.0


class Runner:
    """Runs the method over one video.

    Attributes:
        counts: what the adaptation did, once the run is over.
        seconds: computing time so far.
    """

    def __init__(self, plan: RunPlan) -> None:
        """Begin a video; networks are loaded when the size of its frames is known."""
        self.counts = Counts()
        self.seconds = 0.0
        self._plan = plan

    def run(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        """Go through `video` (paper mode: twice), and yield each picture with its saliency, in order.

        Raises:
            ModelError: a network is unknown, or cannot be loaded or served.
        """
        steps = self._live(video) if self._plan.mode == "live" else self._two_passes(video)
        while True:
            started = time.monotonic()
            step = next(steps, None)
            self.seconds += time.monotonic() - started
            if step is None:
                return
            yield step

    def _live(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        method, adaptation = self._plan.settings.method, self._plan.settings.adaptation
        halves: _Halves | None = None
        adapter: Adapter | None = None
        keyframes = 0
        for index, picture in enumerate(video):
            if halves is None:
                halves = _Halves(self._plan.settings, picture.image.shape)
                rounds = SimulatedRounds(method.colour, halves.network, adaptation, self._plan.round_seconds)
                adapter = Adapter("evaluation", adaptation, halves.slot, rounds, adaptable=halves.network.adaptable)
            small, saliency = halves(picture.image)
            now = index / self._plan.frame_rate
            keyframes += saliency.is_keyframe
            keyframe = _keyframe(small, saliency, now, index) if saliency.is_keyframe else None
            if adapter is not None:
                adapter.observe(now, keyframe, scene_cut=saliency.scene_cut)
                self.counts = Counts(
                    keyframes=keyframes,
                    retrainings=adapter.retrainings,
                    swaps=adapter.swaps,
                    rejected=adapter.rejected,
                )
            yield picture, saliency

    def _two_passes(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        settings = self._plan.settings
        first_two = [picture.image for picture in islice(video, 2)]
        if not first_two:
            return
        halves = _Halves(settings, first_two[0].shape)
        halves.look_ahead(first_two)
        window = KeyframeWindow(settings.adaptation.window)
        with tempfile.TemporaryFile(prefix="livesal-maps-") as spool:
            for index, picture in enumerate(video):
                small, saliency = halves(picture.image)
                _store(spool, saliency)
                if saliency.is_keyframe:
                    self.counts += Counts(keyframes=1)
                    window.offer(_keyframe(small, saliency, index / self._plan.frame_rate, index))
            if settings.adaptation.enabled and halves.network.adaptable and len(window):
                self._retrain(halves, window)
            spool.seek(0)
            for picture in video:
                yield picture, halves.finish(picture.image, _fetch(spool))

    def _retrain(self, halves: "_Halves", window: KeyframeWindow) -> None:
        """Retrain on all keyframes; as in the paper, the twin serves whatever came of it."""
        method, adaptation = self._plan.settings.method, self._plan.settings.adaptation
        request = RoundRequest(keyframes=list(window), base={}, seed=0)
        _, state = run_job(job_of(request, method.colour, adaptation))
        halves.slot.swap(halves.network.twin_head(state))
        self.counts += Counts(retrainings=1, swaps=1)


class _Halves:
    """The frame path for one size of frames, one half after the other."""

    def __init__(self, settings: Settings, shape: tuple[int, ...]) -> None:
        self._method = settings.method
        size = self._method.size or working_size((shape[0], shape[1]), self._method.area)
        device = choose_device(self._method.device)
        self.network = _served(self._method.colour, size, device)
        self.slot = Slot()
        motion = None if self._method.motion == CONTRAST else _served(self._method.motion, size, device)
        self._size = size
        self._flow_size = flow_size(size, self._method.flow_scale)
        self._colour = ColourHalf(self.network, self.slot)
        self._motion = MotionHalf(motion, flow_entry(self._method.flow).build(), size, self._method)

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], SaliencyFrame]:
        fine = shrink(image, self._flow_size)
        small = shrink(fine, self._size)
        return small, combine(self._colour(small), self._motion(fine), self._method)

    def look_ahead(self, first_two: list[NDArray[np.uint8]]) -> None:
        """Let the first frame's motion be that against the second: with the whole video at hand it need not be zero."""
        if len(first_two) == 2:
            self._motion(shrink(first_two[1], self._flow_size))

    def finish(self, image: NDArray[np.uint8], seen: SaliencyFrame) -> SaliencyFrame:
        """Return what was seen in the first pass with the final map of the second (Eq. (9))."""
        installed = self.slot.installed
        twin = None
        if installed.head is not None:
            small = shrink(shrink(image, self._flow_size), self._size)
            twin = installed.head(self.network.encode(small))
        return SaliencyFrame(
            motion=seen.motion,
            colour=seen.colour,
            low_level=seen.low_level,
            final=final_map(seen.colour, twin, seen.low_level, self._method.final),
            unadapted=final_map(seen.colour, None, seen.low_level, self._method.final),
            nr=seen.nr,
            is_keyframe=seen.is_keyframe,
            model_version=installed.version,
            scene_cut=seen.scene_cut,
        )


@lru_cache(maxsize=8)
def _served(name: str, size: tuple[int, int], device: str) -> ServedNetwork:
    """Return a network made ready once per process and size; twins never touch it."""
    return serve(load_servable(name), size, device)


def _keyframe(small: NDArray[np.uint8], saliency: SaliencyFrame, now: float, index: int) -> Keyframe:
    return Keyframe(image=small, label=saliency.low_level, nr=saliency.nr, media_time=now, sequence=index)


def _store(spool: BinaryIO, saliency: SaliencyFrame) -> None:
    """Append a frame's maps to a file: a long video's would not fit into memory."""
    facts = np.array([saliency.nr, saliency.is_keyframe, saliency.scene_cut], np.float64)
    for array in (facts, saliency.motion, saliency.colour, saliency.low_level):
        np.save(spool, array, allow_pickle=False)


def _fetch(spool: BinaryIO) -> SaliencyFrame:
    facts, motion, colour, low_level = (np.load(spool, allow_pickle=False) for _ in range(4))
    return SaliencyFrame(
        motion=motion,
        colour=colour,
        low_level=low_level,
        final=low_level,
        unadapted=low_level,
        nr=float(facts[0]),
        is_keyframe=bool(facts[1]),
        model_version=0,
        scene_cut=bool(facts[2]),
    )
