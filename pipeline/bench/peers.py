"""`livesal bench peers`: livesal's frame beside what others do per frame, and beside the paper's own order of work."""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from configs.settings import load_settings
from models.engine import serve
from models.loading import load_model
from models.registry import flow_entry, saliency_entry
from models.saliency_model import SaliencyModel
from models.slot import Slot
from models.training.twin import KeyframeTensors, TwinTrainer
from pipeline.bench.options import BenchOptions
from pipeline.bench.pictures import read_pictures
from pipeline.bench.report import BenchReport, Value, above
from pipeline.bench.timing import Timed, in_turns
from pipeline.bench.twins import twin_of
from pipeline.coded_flow import flow_to_image
from pipeline.saliency_path import ColourHalf, MotionHalf, combine
from pipeline.working_size import flow_size, shrink, working_size

Picture = NDArray[np.uint8]

_PICTURES: Final = 24
_PAPER_SIZE: Final = (300, 300)
_LIVESAL: Final = "livesal: colour, motion, twin"
_PEER: Final = "u2netp"
_PEER_SIZE: Final = (320, 320)


def measure(options: BenchOptions) -> BenchReport:
    """Give every method the same pictures in turns, one thread."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pictures = cycle(read_pictures(options, _PICTURES))
    ways: dict[str, Callable[[Picture], object]] = {
        _LIVESAL: _livesal(options, next(pictures)),
        "U2-NetP, image only, ONNX Runtime": _u2netp(),
        **_opencv(),
        "the paper's order: eager 300x300, variational flow": _paper(options),
        "… and its iterations of retraining in line": _retraining(options, next(pictures)),
    }
    timed = in_turns({name: _on(way, pictures) for name, way in ways.items()}, options.lasting(30), least=3)
    rows = [_row(name, one, timed[_LIVESAL]) for name, one in timed.items()]
    ratio = timed["U2-NetP, image only, ONNX Runtime"].own / timed[_LIVESAL].own
    return BenchReport(
        verb="peers",
        about="milliseconds a frame from decoded picture to map, one thread, methods in turns",
        rows=rows,
        figures={"U2-NetP / livesal": above(ratio, 10, "x")},
        notes=(
            "times / livesal: of the thread's own time; U2-NetP is untrained here, which takes as long as trained",
            "the paper retrains all layers, 8 iterations a keyframe: the last row adds two a frame, a keyframe in four",
            *_missing(),
        ),
    )


def _livesal(options: BenchOptions, first: Picture) -> Callable[[Picture], object]:
    """Return the frame path as it is served, both halves and a twin, one after the other."""
    method = load_settings(None, options.changes).method
    size = method.size or working_size((first.shape[0], first.shape[1]), method.area)
    fine_size = flow_size(size, method.flow_scale)
    model = load_model(method.colour)
    network = serve(model, size)
    slot = Slot()
    slot.swap(network.twin_head(twin_of(model)))
    colour = ColourHalf(network, slot)
    motion = MotionHalf(serve(load_model(method.motion), size), flow_entry(method.flow).build(), size, method)

    def frame(image: Picture) -> object:
        fine = shrink(image, fine_size)
        small = shrink(fine, size)
        return combine(colour(small), motion(fine, small), method)

    return frame


def _u2netp() -> Callable[[Picture], object]:
    """Return U2-NetP at its own size."""
    torch.manual_seed(0)
    served = serve(SaliencyModel(saliency_entry(_PEER)).eval(), _PEER_SIZE)
    return lambda image: served.head(served.encode(shrink(image, _PEER_SIZE)))


def _opencv() -> dict[str, Callable[[Picture], object]]:
    """Return OpenCV's background subtractors at 640x360, and its saliency where this build has it."""
    found: dict[str, Callable[[Picture], object]] = {}
    for name, subtractor in (
        ("OpenCV MOG2, motion only", cv2.createBackgroundSubtractorMOG2()),
        ("OpenCV KNN, motion only", cv2.createBackgroundSubtractorKNN()),
    ):
        found[name] = partial(_subtract, subtractor)
    saliency: Any = getattr(cv2, "saliency", None)
    if saliency is not None:
        spectral = saliency.StaticSaliencySpectralResidual_create()
        found["OpenCV spectral residual, image only"] = lambda image: spectral.computeSaliency(
            shrink(image, (360, 640))
        )
    return found


def _subtract(subtractor: Any, image: Picture) -> object:
    return subtractor.apply(shrink(image, (360, 640)))


def _missing() -> tuple[str, ...]:
    """Say what this build of OpenCV lacks."""
    if hasattr(cv2, "saliency"):
        return ()
    return ("cv2.saliency is part of OpenCV's contrib modules, which the wheel in use does not have",)


def _paper(options: BenchOptions) -> Callable[[Picture], object]:
    """Return the paper's frame: variational flow, coded as published, two networks in eager torch, whole frames."""
    method = load_settings(None, options.changes).method
    colour, motion = load_model(method.colour), load_model(method.motion)
    flow = flow_entry("variational").build()
    previous: Picture | None = None

    def frame(image: Picture) -> object:
        nonlocal previous
        small = shrink(image, _PAPER_SIZE)
        before, previous = small if previous is None else previous, small
        coded = flow_to_image(flow(before, small))
        with torch.inference_mode():
            return [
                model(_batch(shown)).numpy() for model, shown in ((colour, small), (motion, coded), (colour, small))
            ]

    return frame


def _retraining(options: BenchOptions, first: Picture) -> Callable[[Picture], object]:
    """Return the paper's frame with its share of the retraining: two iterations of all layers."""
    settings = load_settings(None, options.changes)
    small = shrink(first, _PAPER_SIZE)
    keyframes = KeyframeTensors(torch.from_numpy(small[None].copy()), torch.zeros(1, *_PAPER_SIZE))
    wanted = settings.adaptation.retraining.model_copy(update={"scope": "all", "iterations_per_keyframe": 1000})
    trainer = TwinTrainer(load_model(settings.method.colour), keyframes, wanted)
    frame, steps = _paper(options), trainer.run()

    def with_iterations(image: Picture) -> object:
        nonlocal steps
        result = frame(image)
        for _ in range(2):
            if next(steps, None) is None:
                steps = trainer.run()
        return result

    return with_iterations


def _on(way: Callable[[Picture], object], pictures: "cycle[Picture]") -> Callable[[], object]:
    return lambda: way(next(pictures))


def _batch(image: Picture) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def _row(name: str, one: Timed, baseline: Timed) -> dict[str, Value]:
    return {"method": name, "ms": one.wall, "cpu ms": one.own, "times livesal": round(one.own / baseline.own, 2)}
