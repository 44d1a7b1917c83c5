"""`livesal bench stages`: milliseconds of every stage of a frame, and what bounds each."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from configs.settings import load_settings
from configs.source import SourceSettings
from models.engine import serve
from models.loading import load_model
from models.registry import flow_entry
from pipeline.appearance import appearance
from pipeline.bench.options import BenchOptions
from pipeline.bench.pictures import read_pictures, write_clip
from pipeline.bench.report import BenchReport, Value
from pipeline.bench.roofline import Peak, Work, measure_peak, network_work, remark
from pipeline.bench.timing import Timed, in_turns
from pipeline.bench.twins import twin_of
from pipeline.camera_motion import without_camera
from pipeline.motion_input import motion_picture, resize_flow
from pipeline.regions import find_regions
from pipeline.saliency_path import ColourResult, MotionResult, combine
from pipeline.temporal import Arrival, TemporalSmoothing
from pipeline.working_size import flow_size, shrink, working_size
from stream import render
from stream.decoding import VideoReader
from stream.encoder import Encoder
from stream.location import Location

_PICTURES: Final = 24
_FLOAT: Final = 4
_RTP_STEP: Final = 3000


class _Frame:
    """Every stage of a frame as a call without arguments, each with what the stages before it left."""

    def __init__(self, options: BenchOptions, folder: Path) -> None:
        settings = load_settings(None, options.changes)
        self.method = settings.method
        pictures = read_pictures(options, _PICTURES)
        self._pictures = cycle(pictures)
        self._clip = folder / "clip.mp4"
        write_clip(pictures, self._clip, options.fps)
        self._decoded = self._decode_for_ever()
        self.frame_size = (pictures[0].shape[0], pictures[0].shape[1])
        self.size = self.method.size or working_size(self.frame_size, self.method.area)
        self.flow_size = flow_size(self.size, self.method.flow_scale)
        self.models = {"colour": load_model(self.method.colour), "motion": load_model(self.method.motion)}
        self._colour = serve(self.models["colour"], self.size)
        self._motion = serve(self.models["motion"], self.size)
        self._twin = self._colour.twin_head(twin_of(self.models["colour"]))
        self._flow_of = flow_entry(self.method.flow).build()
        self._encoder = Encoder("h264", settings.webrtc.encoding)
        self.width = settings.webrtc.encoding.width
        self._number = 0
        self._smoothing = TemporalSmoothing(settings.method.smoothing)
        self._fine: NDArray[np.uint8] = shrink(pictures[0], self.flow_size)

    def calls(self) -> dict[str, Callable[[], object]]:
        """Return the stages in the order of a frame."""
        return {
            "decode to RGB": self.decode,
            "shrink": self.shrink,
            "scene": lambda: appearance(self._fine),
            "flow": self.flow,
            "camera motion": self.camera_motion,
            "flow as a picture": self.code,
            "motion network": self.motion_network,
            "colour encoder": self.colour_encoder,
            "colour decoder": self.colour_decoder,
            "twin's decoder": self.twin_decoder,
            "fusion, NR, smoothing": self.combine,
            "regions": lambda: find_regions(self._saliency.final, 0.5, 0.001, self.frame_size),
            "overlay": self.overlay,
            "H.264": self.encode,
        }

    def decode(self) -> None:
        self._image = next(self._decoded)

    def shrink(self) -> None:
        self._previous, self._fine = self._fine, shrink(self._image, self.flow_size)
        self._small = shrink(self._fine, self.size)

    def flow(self) -> None:
        self._flow = self._flow_of(self._fine, self._previous)

    def camera_motion(self) -> None:
        flow = resize_flow(-self._flow, self.size)
        self._arrival = Arrival(self._small, flow)
        self._residual, _ = without_camera(flow, self.method.camera_motion)

    def code(self) -> None:
        self._picture = motion_picture(self._residual, self._small, self.method.motion_coding)

    def motion_network(self) -> None:
        self._motion_map = self._motion.head(self._motion.encode(self._picture))

    def colour_encoder(self) -> None:
        self._features = self._colour.encode(self._small)

    def colour_decoder(self) -> None:
        self._colour_map = self._colour.head(self._features)

    def twin_decoder(self) -> None:
        self._twin_map = self._twin(self._features)

    def combine(self) -> None:
        motion = MotionResult(self._motion_map, self._arrival, scene_cut=False)
        colour = ColourResult(self._colour_map, self._twin_map, 1)
        self._saliency = combine(colour, motion, self.method, None, self._smoothing)

    def overlay(self) -> None:
        self._shown = render.overlay(render.fit(self._image, self.width), self._saliency.final)

    def encode(self) -> None:
        self._number += _RTP_STEP
        self._encoder.encode(self._shown, self._number)

    def _decode_for_ever(self) -> Iterator[NDArray[np.uint8]]:
        while True:
            reader = VideoReader(Location("path", str(self._clip)), SourceSettings(url=str(self._clip)), live=True)  # type: ignore[arg-type] # a secret by pydantic
            for picture in reader:
                yield picture.image
            reader.close()


def measure(options: BenchOptions) -> BenchReport:
    """Time every stage alone, in turns, on one thread."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="livesal-bench-") as folder:
        frame = _Frame(options, Path(folder))
        peak = measure_peak()
        timed = in_turns(frame.calls(), options.lasting(15))
    works = _works(frame)
    rows = _rows(timed, works, peak)
    height, width = frame.frame_size
    return BenchReport(
        verb="stages",
        about=f"one frame of {width}x{height}, networks at {frame.size[1]}x{frame.size[0]}, one thread, in turns",
        rows=rows,
        notes=(
            f"one core's peak in this run: {peak.gmacs:.1f} GMAC/s (matrix product), {peak.gbytes:.1f} GB/s (copy)",
            "ms: by the clock; cpu ms: of the thread's own time; share: of the sum of the latter",
        ),
    )


def _rows(timed: dict[str, Timed], works: dict[str, Work], peak: Peak) -> list[dict[str, Value]]:
    total = sum(one.own for one in timed.values())
    rows: list[dict[str, Value]] = [
        {
            "stage": name,
            "ms": one.wall,
            "cpu ms": one.own,
            "share": round(one.own / total, 3),
            "bounded by": remark(works[name], one.own, peak),
        }
        for name, one in timed.items()
    ]
    wall = round(sum(one.wall for one in timed.values()), 3)
    return [{"stage": "whole frame", "ms": wall, "cpu ms": round(total, 3), "share": 1.0, "bounded by": ""}, *rows]


def _works(frame: _Frame) -> dict[str, Work]:
    """Return what each stage has to do at the least: bytes of its inputs and outputs, multiply-adds of networks."""

    def pixels(size: tuple[int, int]) -> int:
        return size[0] * size[1]

    large, fine, small = pixels(frame.frame_size), pixels(frame.flow_size), pixels(frame.size)
    shown = pixels((frame.width * frame.frame_size[0] // frame.frame_size[1], frame.width))
    encoders, decoders = zip(
        *(network_work(frame.models[name], frame.size) for name in ("colour", "motion")), strict=True
    )
    flow = 2 * _FLOAT
    bytes_of: dict[str, Any] = {
        "decode to RGB": 3 * large + 1.5 * large,
        "shrink": 3 * (large + fine + small),
        "scene": 3 * fine,
        "flow": 2 * 3 * fine + flow * fine,
        "camera motion": flow * (fine + 2 * small),
        "flow as a picture": flow * small + 6 * small,
        "fusion, NR, smoothing": 14 * _FLOAT * small,
        "regions": _FLOAT * small,
        "overlay": 3 * large + 6 * shown,
        "H.264": 3 * shown + 1.5 * shown,
    }
    return {
        **{name: Work(None, float(count)) for name, count in bytes_of.items()},
        "motion network": encoders[1] + decoders[1],
        "colour encoder": encoders[0],
        "colour decoder": decoders[0],
        "twin's decoder": decoders[0],
    }
