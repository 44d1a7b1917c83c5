"""The method over one video: live, as a viewer would have got it, or as in the paper, in two passes over the whole."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import BinaryIO, Final, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from configs.method import MethodSettings
from configs.settings import Settings
from models.engine import ServedNetwork, serve
from models.loading import load_servable
from models.registry import flow_entry
from models.slot import Slot
from pipeline.adapter import Adapter
from pipeline.closer_look import CloserLooks
from pipeline.evaluation.results import Counts
from pipeline.evaluation.stopwatch import Stopwatch, Untimed
from pipeline.evaluation.timeline import Happening
from pipeline.frame_path import FramePath, Sizes
from pipeline.fusion import decided, final_map
from pipeline.keyframes import keyframe_of
from pipeline.networks import CONTRAST, choose_device
from pipeline.retraining.rounds import RoundRequest, SimulatedRounds, job_of
from pipeline.retraining.run_job import run_job
from pipeline.values import SaliencyFrame
from pipeline.window import KeyframeWindow
from stream.events import AdaptationEvent

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
        happenings: what it did when, in live mode; keyframes are not listed.
    """

    def __init__(self, plan: RunPlan) -> None:
        """Begin a video; networks are loaded when the size of its frames is known."""
        self.counts = Counts()
        self.happenings: list[Happening] = []
        self._watch = Stopwatch()
        self._plan = plan

    @property
    def seconds(self) -> float:
        """Computing time so far; reading pictures and loading networks is left out."""
        return self._watch.seconds

    def run(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        """Go through `video` (paper mode: twice), and yield each picture with its saliency, in order.

        Raises:
            ModelError: a network is unknown, or cannot be loaded or served.
        """
        untimed = Untimed(video, self._watch)
        steps = self._live(untimed) if self._plan.mode == "live" else self._two_passes(untimed)
        while True:
            with self._watch.running():
                step = next(steps, None)
            if step is None:
                return
            yield step

    def _live(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        camera = _Camera(self._plan, self._watch)
        for index, picture in enumerate(video):
            now = index / self._plan.frame_rate
            saliency = camera.see(picture.image, now, index)
            self.counts = camera.counts
            self.happenings = camera.happenings
            yield picture, saliency

    def _two_passes(self, video: Iterable[P]) -> Iterator[tuple[P, SaliencyFrame]]:
        settings = self._plan.settings
        first_two = [picture.image for picture in islice(video, 2)]
        if not first_two:
            return
        slot = Slot()
        with self._watch.paused():
            network, path = _path(settings.method, Sizes.of(_size(first_two[0]), settings.method), slot)
        if len(first_two) == 2:  # with the whole video at hand the first frame's motion need not be zero
            path.motion(path.sizes.shrink(first_two[1])[0])
        window = KeyframeWindow(settings.adaptation.window)
        with tempfile.TemporaryFile(prefix="livesal-maps-") as spool:
            for index, picture in enumerate(video):
                small, saliency, look = path(picture.image)
                _store(spool, saliency)
                keyframe = keyframe_of(small, saliency, look, index / self._plan.frame_rate, index)
                if keyframe is not None:
                    self.counts += Counts(keyframes=1)
                    window.offer(keyframe)
            if settings.adaptation.enabled and network.adaptable and len(window):
                self._retrain(network, slot, window)
            spool.seek(0)
            for picture in video:
                yield picture, _second_pass(picture.image, _fetch(spool), network, path, slot)

    def _retrain(self, network: ServedNetwork, slot: Slot, window: KeyframeWindow) -> None:
        """Retrain on all keyframes; as in the paper, the twin serves whatever came of it."""
        method, adaptation = self._plan.settings.method, self._plan.settings.adaptation
        request = RoundRequest(keyframes=list(window), base={}, seed=0)
        slot.swap(network.twin_head(run_job(job_of(request, method, adaptation)).state))
        self.counts += Counts(retrainings=1, swaps=1)


class _Camera:
    """The frame path and the adaptation of the service, on a simulated clock."""

    def __init__(self, plan: RunPlan, watch: Stopwatch) -> None:
        self.happenings: list[Happening] = []
        self._plan = plan
        self._watch = watch
        self._slot = Slot()
        self._closer = CloserLooks(plan.settings.adaptation.teacher)
        self._path: FramePath | None = None
        self._adapter: Adapter | None = None
        self._keyframes = 0

    @property
    def counts(self) -> Counts:
        """What the adaptation did so far."""
        adapter = self._adapter
        if adapter is None:
            return Counts()
        return Counts(
            keyframes=self._keyframes,
            retrainings=adapter.retrainings,
            swaps=adapter.swaps,
            rejected=adapter.rejected,
        )

    def see(self, image: NDArray[np.uint8], now: float, index: int) -> SaliencyFrame:
        """Return the saliency of the next frame, and let the adaptation take note of it."""
        path, adapter = self._ready(_size(image))
        small, saliency, look = path(image)
        keyframe = self._closer(image, keyframe_of(small, saliency, look, now, index), adapter.wants)
        self._keyframes += keyframe is not None
        told = adapter.observe(now, keyframe, scene_cut=saliency.scene_cut, nr=saliency.nr, benefit=saliency.benefit)
        self._note(told)
        return saliency

    def _note(self, events: Iterable[AdaptationEvent]) -> None:
        for event in events:
            if event.kind not in {"keyframe", "window-filled"}:
                reason = str(event.details.get("reason", ""))
                self.happenings.append(Happening(round(event.media_time, 3), event.kind, reason))

    def _ready(self, frame: tuple[int, int]) -> tuple[FramePath, Adapter]:
        """Return what goes on with frames of this size; another working size begins anew, as in the service."""
        path, adapter, method = self._path, self._adapter, self._plan.settings.method
        if path is not None and adapter is not None:
            if path.sizes.frame == frame:
                return path, adapter
            sizes = Sizes.of(frame, method)
            if sizes.working == path.sizes.working:
                self._path = replace(path, sizes=sizes)
                return self._path, adapter
        with self._watch.paused():
            network, self._path = _path(method, Sizes.of(frame, method), self._slot)
        adaptation = self._plan.settings.adaptation
        rounds = SimulatedRounds(method, network, adaptation, self._plan.round_seconds)
        if adapter is None:
            adapter = Adapter("evaluation", adaptation, self._slot, rounds, adaptable=network.adaptable)
        else:
            self._note(adapter.begin_anew(rounds))
        self._adapter = adapter
        return self._path, adapter


def _second_pass(
    image: NDArray[np.uint8], seen: SaliencyFrame, network: ServedNetwork, path: FramePath, slot: Slot
) -> SaliencyFrame:
    """Return what was seen in the first pass with the final map of the twin (Eq. (9))."""
    installed, method = slot.installed, path.settings
    # where nothing is known of motion, LS is what colour says
    motion = None if np.array_equal(seen.low_level, seen.colour) else seen.motion
    twin = None
    if installed.head is not None:
        _, small = path.sizes.shrink(image)
        twin = installed.head(network.encode(small))
    final, unadapted = (
        final_map(motion, seen.colour, refined, seen.nr, method.final, method.fusion) for refined in (twin, None)
    )
    if method.final == "mean":
        final, unadapted = decided(final), decided(unadapted)
    return replace(seen, final=final, unadapted=unadapted, model_version=installed.version)


def _path(method: MethodSettings, sizes: Sizes, slot: Slot) -> tuple[ServedNetwork, FramePath]:
    """Return the colour network served for these sizes, and the path of frames through it."""
    device = choose_device(method.device)
    network = _served(method.colour, sizes.working, device)
    motion = None if method.motion == CONTRAST else _served(method.motion, sizes.working, device)
    return network, FramePath.of(sizes, network, slot, motion, flow_entry(method.flow).build(), method)


@lru_cache(maxsize=8)
def _served(name: str, size: tuple[int, int], device: str) -> ServedNetwork:
    """Return a network made ready once per process and size; twins never touch it."""
    return serve(load_servable(name), size, device)


def _size(image: NDArray[np.uint8]) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


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
