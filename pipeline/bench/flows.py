"""`livesal bench flow`: time and end-point error of optical flow methods on the same made scenes, beside DIS's.

The scenes are photographs cut up and set in motion (`models/training/motion_scenes.py`), so that the flow is known
exactly. The photographs are those of the shared material (`LIVESAL_SHARED`).
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from models.errors import CheckpointError
from models.registry import FlowEstimator, flow_entry, flow_names
from models.training.motion_scenes import MotionScene, generate_scene
from models.training.samples import ImageMaskPairs, find_pairs
from pipeline.bench.options import BenchOptions
from pipeline.bench.report import BenchReport, Value, with_ratios

BASELINE: Final = "dis"
_PHOTOGRAPHS: Final = 200
_SEED: Final = 3


def measure(options: BenchOptions) -> BenchReport:
    """Let every method see the same scenes; `--seconds` is about their number: one for each."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(_SEED)
    folder = Path(options.source or Path(os.environ.get("LIVESAL_SHARED", "../shared")) / "data" / "duts-tr-499")
    pairs = ImageMaskPairs(find_pairs(folder / "images", folder / "masks")[:_PHOTOGRAPHS])
    samples = [pairs.draw(index, rng) for index in range(len(pairs))]
    backgrounds = [sample.image for sample in samples]
    count = max(1, round(options.lasting(12)))
    scenes = [generate_scene(samples, backgrounds, options.size, rng) for _ in range(count)]
    names = [BASELINE, *(name for name in options.names or flow_names() if name != BASELINE)]
    rows, missing = [], []
    for name in names:
        try:
            rows.append(_row(name, flow_entry(name).build(), scenes))
        except CheckpointError as error:
            missing.append(f"{name}: not measured: {error}")
    still = np.mean([np.linalg.norm(scene.flow, axis=2).mean() for scene in scenes])
    return BenchReport(
        verb="flow",
        about=f"{count} scenes at {options.size[1]}x{options.size[0]} from {folder}, one thread",
        rows=with_ratios(rows, "ms", "end-point error px"),
        notes=(f"an estimate of no motion at all would have an error of {still:.2f} px", *missing),
    )


def _row(name: str, method: FlowEstimator, scenes: Sequence[MotionScene]) -> dict[str, Value]:
    """Return the median milliseconds, and the mean and median over the scenes of the mean end-point error."""
    method(scenes[0].second, scenes[0].first)
    milliseconds, errors = [], []
    for scene in scenes:
        started = time.thread_time()
        flow = method(scene.second, scene.first)
        milliseconds.append(1000 * (time.thread_time() - started))
        errors.append(float(np.linalg.norm(flow - scene.flow, axis=2).mean()))
    return {
        "method": name,
        "ms": round(float(np.median(milliseconds)), 2),
        "end-point error px": round(float(np.mean(errors)), 3),
        "median px": round(float(np.median(errors)), 3),
    }
