"""Time and end-point error of every flow method on the same made scenes, beside DIS's in the same run.

The scenes are photographs cut up and set in motion (`models/training/motion_scenes.py`), so that the flow is known
exactly. Methods whose weights are not in the weights folder ($LIVESAL_WEIGHTS) are listed as missing.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from models.errors import CheckpointError
from models.registry import FlowEstimator, flow_entry, flow_names
from models.training.motion_scenes import MotionScene, generate_scene
from models.training.samples import ImageMaskPairs, find_pairs

BASELINE = "dis"
SHARED = Path(os.environ.get("LIVESAL_SHARED", Path(__file__).parents[1] / "../shared"))


def main() -> None:
    """Print the table."""
    options = _options()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    pairs = ImageMaskPairs(find_pairs(options.images, options.masks)[:200])
    samples = [pairs.draw(index, rng) for index in range(len(pairs))]
    backgrounds = [sample.image for sample in samples]
    height, width = options.size
    scenes = [generate_scene(samples, backgrounds, (height, width), rng) for _ in range(options.scenes)]
    speeds = [float(np.linalg.norm(scene.flow, axis=2).mean()) for scene in scenes]
    print(f"{len(scenes)} scenes at {height}x{width} from {options.images}, one thread, seed {options.seed}")
    print(f"mean flow {np.mean(speeds):.2f} px; zero flow would have this end-point error")
    measured: dict[str, tuple[float, float, float]] = {}
    missing: dict[str, str] = {}
    for name in sorted({BASELINE, *options.methods}, key=lambda name: (name != BASELINE, name)):
        try:
            measured[name] = _measure(flow_entry(name).build(), scenes)
        except CheckpointError as error:
            missing[name] = str(error)
    _print_table(measured)
    for name, reason in missing.items():
        print(f"{name}: not measured: {reason}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    photographs = SHARED / "data" / "duts-tr-499"
    parser.add_argument(
        "--images", type=Path, default=photographs / "images", help="photographs (default: %(default)s)"
    )
    parser.add_argument("--masks", type=Path, default=photographs / "masks", help="their masks (default: %(default)s)")
    parser.add_argument("--size", type=int, nargs=2, default=(160, 288), metavar=("H", "W"), help="of the frames")
    parser.add_argument("--scenes", type=int, default=12, help="frame pairs a method sees (default: %(default)s)")
    parser.add_argument("--methods", nargs="+", default=flow_names(), choices=flow_names(), metavar="METHOD")
    parser.add_argument("--seed", type=int, default=3, help="of the scenes (default: %(default)s)")
    return parser.parse_args()


def _measure(method: FlowEstimator, scenes: Sequence[MotionScene]) -> tuple[float, float, float]:
    """Return the median milliseconds, the mean and the median over the scenes of the mean end-point error in pixels."""
    method(scenes[0].second, scenes[0].first)
    seconds, errors = [], []
    for scene in scenes:
        start = time.perf_counter()
        flow = method(scene.second, scene.first)
        seconds.append(time.perf_counter() - start)
        errors.append(float(np.linalg.norm(flow - scene.flow, axis=2).mean()))
    return 1000 * float(np.median(seconds)), float(np.mean(errors)), float(np.median(errors))


def _print_table(measured: dict[str, tuple[float, float, float]]) -> None:
    """Print one line a method, each figure beside its ratio to the baseline's."""
    print(f"{'method':<16}{'ms':>9}{'ratio':>8}{'EPE mean':>10}{'ratio':>7}{'EPE median':>12}{'ratio':>7}")
    base = measured[BASELINE]
    for name, (milliseconds, mean, median) in measured.items():
        ratios = (milliseconds / base[0], mean / base[1], median / base[2])
        print(
            f"{name:<16}{milliseconds:>9.1f}{ratios[0]:>8.2f}{mean:>10.3f}{ratios[1]:>7.2f}"
            f"{median:>12.3f}{ratios[2]:>7.2f}"
        )


if __name__ == "__main__":
    main()
