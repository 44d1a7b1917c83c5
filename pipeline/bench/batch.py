"""`livesal bench batch`: many cameras' frames by torch, one after the other and in one batch, nets and whole path."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from configs.method import MethodSettings, RetrainingSettings
from configs.settings import load_settings
from models.captured import Captured
from models.engine import serve
from models.loading import load_model
from models.saliency_model import SaliencyModel
from models.stacked import STACKINGS, Stacking
from models.torch_batch import TorchBatch
from models.training.recorded_twin import RecordedTrainer
from models.training.twin import KeyframeTensors
from pipeline.batched.flows import BATCH_FLOWS, make_batch_flow
from pipeline.batched.path import MAPS, BatchPath
from pipeline.batched.retraining import TwinsBeside
from pipeline.bench.options import BenchOptions
from pipeline.bench.report import BenchReport, Figured, Value, with_ratios
from pipeline.bench.timing import in_turns
from pipeline.bench.twins import twin_of
from pipeline.frame_path import Sizes
from pipeline.networks import choose_device
from pipeline.working_size import flow_size

_CAMERAS: Final = (1, 4, 16)
_RATE: Final = 30
"""Frames a second that a camera has."""
_KEYFRAMES: Final = 24
"""Keyframes of a round: what a full window holds less those held out."""
_CPU_KEYFRAMES: Final = 8
"""Likewise on a CPU, where this only shows that it runs."""
_FRAMES: Final = 4
"""Different frames of each camera, shown in turns."""
_HELD: Final = 0.99
"""Share of the cameras' rate at which it counts as held: paced frames come no faster."""
_ALONE: Final = 16
"""Most cameras whose frames are also shown one after the other."""

Row = dict[str, Value]


@dataclass(frozen=True)
class Bench:
    """What is measured with.

    Attributes:
        method: settings of the method.
        retraining: settings of a round.
        device: `cpu` or `cuda`.
        size: (h, w), the working size.
        seconds: that each part measures.
    """

    method: MethodSettings
    retraining: RetrainingSettings
    device: str
    size: tuple[int, int]
    seconds: float

    @classmethod
    def of(cls, options: BenchOptions) -> "Bench":
        """Read the options."""
        settings = load_settings(None, options.changes)
        device = choose_device(settings.method.device)
        return cls(settings.method, settings.adaptation.retraining, device, options.size, options.lasting(1))

    @cached_property
    def colour(self) -> SaliencyModel:
        """The colour network."""
        return load_model(self.method.colour)

    @cached_property
    def motion(self) -> SaliencyModel:
        """The motion network."""
        return load_model(self.method.motion)

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU is used."""
        return self.device == "cuda"

    @property
    def sizes(self) -> Sizes:
        """The sizes that a path works at, frames coming at the size of flow."""
        fine = flow_size(self.size, self.method.flow_scale)
        return Sizes(frame=fine, working=self.size, flow=fine)

    def rows(self, cameras: int) -> Iterator[tuple[str, Callable[[], Row]]]:
        """Return what is measured with so many cameras, each part by its name; the baseline comes first."""
        if cameras <= _ALONE:
            yield f"{cameras}, one by one", partial(self._one_by_one, cameras)
        yield f"{cameras}, one batch", partial(self._one_batch, cameras)
        for flow in BATCH_FLOWS:
            yield f"{cameras}, path by {flow}", partial(self._path, cameras, flow, captured=False)
            if self.on_gpu:
                yield f"{cameras}, path by {flow}, captured", partial(self._path, cameras, flow, captured=True)
        for flow in BATCH_FLOWS:
            beside = partial(self._path_beside_retraining, cameras, flow)
            yield f"{cameras}, path by {flow}, half retrained", partial(beside, paced=False)
            yield f"{cameras}, path by {flow}, half retrained, {_RATE} a second", partial(beside, paced=True)
        if self.on_gpu:
            for stacking in STACKINGS:
                yield f"{cameras}, networks captured, {stacking}", partial(self._networks, cameras, stacking)

    def path(
        self, cameras: int, flow: str, *, captured: bool, precision: torch.dtype | None = None, twin: bool = True
    ) -> BatchPath:
        """Return a path whose twins are, by default, such as a round makes."""
        colour = TorchBatch(self.colour, cameras, self.device, precision=precision)
        estimator = make_batch_flow(flow, cameras, self.sizes.flow, colour.device, colour.precision)
        path = BatchPath(colour, self.motion, estimator, cameras, self.sizes, self.method)
        for camera in range(cameras if twin else 0):
            path.swap(camera, twin_of(self.colour))
        if captured:
            path.capture()
        return path

    def _one_by_one(self, cameras: int) -> Row:
        # a CPU serves by ONNX Runtime; the comparison is with torch's own engine on the same device
        alone = serve(self.colour, self.size, self.device if self.on_gpu else "cpu:0")
        head = alone.twin_head(twin_of(self.colour))
        images = _noise(cameras, self.size)

        def work() -> None:
            for image in images:
                features = alone.encode(image)
                alone.head(features)
                head(features)

        return self._timed(cameras, work)

    def _one_batch(self, cameras: int) -> Row:
        batch = TorchBatch(self.colour, cameras, self.device)
        for camera in range(cameras):
            batch.swap(camera, twin_of(self.colour))
        return self._timed(cameras, partial(batch, _noise(cameras, self.size)))

    def _networks(self, cameras: int, stacking: Stacking) -> Row:
        """Measure the networks alone as a graph, on pixels that are there already."""
        batch = TorchBatch(self.colour, cameras, self.device, stacking)
        pixels = torch.rand(cameras, 3, *self.size, device=batch.device)

        def maps() -> tuple[Tensor, Tensor]:
            with torch.inference_mode():
                return batch.maps(pixels)

        captured = Captured(maps, batch.device)

        def work() -> None:
            captured()
            torch.cuda.synchronize()

        return self._timed(cameras, work)

    def _path(self, cameras: int, flow: str, *, captured: bool) -> Row:
        path = self.path(cameras, flow, captured=captured)
        return self._timed(cameras, _Shown(path, moving_frames(cameras, self.sizes.flow, pinned=self.on_gpu)))

    def _path_beside_retraining(self, cameras: int, flow: str, *, paced: bool) -> Row:
        """Measure the path beside retraining, as fast as it goes or, `paced`, with the frames that cameras bring."""
        path = self.path(cameras, flow, captured=True)
        device = path.frames.device
        trainer = RecordedTrainer(self.colour, self.size, self.retraining, device)
        shown = _Shown(path, moving_frames(cameras, self.sizes.flow, pinned=self.on_gpu))
        count = _KEYFRAMES if self.on_gpu else _CPU_KEYFRAMES
        keyframes = made_keyframes(count, self.size, device)
        shown()
        milliseconds: list[float] = []
        with TwinsBeside(trainer, range(max(1, cameras // 2)), lambda _: keyframes, device) as twins:
            begun = time.monotonic()
            lasting, longest = (4 * self.seconds, 10.0) if self.on_gpu else (self.seconds, 60.0)
            while (now := time.monotonic() - begun) < lasting or (not twins.retrained and now < longest):
                if paced:
                    time.sleep(max(0.0, len(milliseconds) / _RATE - now))
                started = time.perf_counter()
                twins.swap_into(path.swap)
                shown()
                milliseconds.append(1000 * (time.perf_counter() - started))
                if twins.error is not None:
                    raise twins.error
            elapsed, steps = time.monotonic() - begun, twins.steps
        row = _row(cameras, elapsed * 1000 / len(milliseconds), float(np.percentile(milliseconds, 99)))
        return {**row, "twins/s": round(steps / (self.retraining.iterations_per_keyframe * count) / elapsed, 3)}

    def _timed(self, cameras: int, work: Callable[[], object]) -> Row:
        milliseconds = in_turns({"": work}, self.seconds, least=3)[""].wall
        return _row(cameras, milliseconds, None)


class _Shown:
    """A path that is shown one set of frames after the other."""

    def __init__(self, path: BatchPath, frames: Sequence[Tensor]) -> None:
        self._path, self._frames, self._next = path, frames, 0

    def __call__(self) -> None:
        self._next = (self._next + 1) % len(self._frames)
        self._path(self._frames[self._next])


def measure(options: BenchOptions) -> BenchReport:
    """Measure all parts for each number of cameras; a part that fails is noted and leaves the others."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True
    bench = Bench.of(options)
    rows, notes = [], [] if bench.on_gpu else ["no GPU is used: this says that the code runs, not what a GPU gains"]
    figures: dict[str, Figured] = {}
    for cameras in [int(name) for name in options.names] or _CAMERAS:
        for name, part in bench.rows(cameras):
            found = guarded(name, part, notes)
            if found is not None:
                rows.append({"cameras": name, **found})
    for flow in BATCH_FLOWS if bench.on_gpu else ():
        found = guarded(f"agreement, {flow}", partial(agreement, bench, flow), notes)
        figures |= {
            f"largest difference of {name}, {flow}": Figured(value=value) for name, value in (found or {}).items()
        }
    return BenchReport(
        verb="batch",
        about=f"{bench.method.colour} with twins at {options.size[1]}x{options.size[0]} by torch on {bench.device}",
        rows=with_ratios(rows, "frames/s"),
        figures=figures,
        notes=tuple(notes),
    )


def guarded(name: str, part: Callable[[], Row], notes: list[str]) -> Row | None:
    """Return what a part finds, and tell it; where it fails, note why and return None."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        found = part()
    except Exception as error:  # noqa: BLE001 - the other parts are measured all the same
        notes.append(f"{name}: not measured: {type(error).__name__}: {error}")
        console.print(notes[-1])
        return None
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    console.print(f"{name}: {found}")
    return found


def agreement(bench: Bench, flow: str, cameras: int = 2) -> Row:
    """Return the largest and mean difference of each map between what serves and plain float32 on the same device.

    Both are shown the same frames; what serves is captured and, on a GPU, in half precision. Differences in flow are
    part of it.
    """
    plain = bench.path(cameras, flow, captured=False, precision=torch.float32)
    served = bench.path(cameras, flow, captured=True)
    frames = moving_frames(cameras, bench.sizes.flow, pinned=bench.on_gpu)
    largest, means = np.zeros(len(MAPS)), np.zeros(len(MAPS))
    ratio = 0.0
    for shown in frames:
        expected, expected_nr, _ = plain(shown).numpy()
        found, nr, _ = served(shown).numpy()
        difference = np.abs(found.astype(np.float32) - expected.astype(np.float32))
        largest = np.maximum(largest, difference.max((0, 2, 3)))
        means = np.maximum(means, difference.mean((0, 2, 3)))
        ratio = max(ratio, float(np.abs(nr - expected_nr).max()))
    found_largest = {name: round(float(value), 4) for name, value in zip(MAPS, largest, strict=True)}
    found_means = {f"{name} (mean)": round(float(value), 5) for name, value in zip(MAPS, means, strict=True)}
    return {**found_largest, **found_means, "NR": round(ratio, 4)}


def moving_frames(cameras: int, size: tuple[int, int], *, pinned: bool) -> list[Tensor]:
    """Return sets of (N, H, W, 3) uint8 frames: noise that each camera pans over, a square of another on it."""
    rng = np.random.default_rng(0)
    height, width = size
    ground, thing = (
        cv2.GaussianBlur(rng.integers(0, 256, (height + 64, width + 64, 3), np.uint8), (0, 0), 2) for _ in range(2)
    )
    stretched = [cv2.normalize(one, np.zeros_like(one), 0, 255, cv2.NORM_MINMAX) for one in (ground, thing)]
    side = height // 3
    sets = []
    for index in range(_FRAMES):
        frames = torch.empty(cameras, height, width, 3, dtype=torch.uint8, pin_memory=pinned)
        for camera in range(cameras):
            shift = (camera + 2 * index) % 64
            image = stretched[0][shift : shift + height, shift : shift + width].copy()
            left = (17 * camera) % (width - side - 4 * _FRAMES) + 4 * index
            image[side : 2 * side, left : left + side] = stretched[1][:side, :side]
            frames[camera] = torch.from_numpy(image)
        sets.append(frames)
    return sets


def made_keyframes(count: int, size: tuple[int, int], device: torch.device) -> KeyframeTensors:
    """Return keyframes of noise on the device, whose labels are a square: what they show costs nothing."""
    labels = torch.zeros(count, *size)
    labels[:, size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    return KeyframeTensors(torch.from_numpy(_noise(count, size)).to(device), labels.to(device))


def _noise(count: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), np.uint8)


def _row(cameras: int, milliseconds: float, worst: float | None) -> Row:
    rate = 1000 * cameras / milliseconds
    return {
        "ms": round(milliseconds, 3),
        "p99 ms": None if worst is None else round(worst, 3),
        "frames/s": round(rate, 1),
        f"{_RATE} a second": "held" if rate >= _HELD * _RATE * cameras else "not held",
        "twins/s": None,
    }
