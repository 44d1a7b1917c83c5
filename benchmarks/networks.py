"""Time of a saliency network a frame and of a retraining step, beside livesal-colour's in the same run.

Networks are served as `livesal serve` serves them (ONNX Runtime, one thread), whatever their weights: those whose file
is not in the weights folder are timed with random ones, which take as long.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
import torch

from configs.method import RetrainingSettings
from models.denormals import flush_denormals
from models.engine import serve
from models.registry import saliency_entry, saliency_names
from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, TwinTrainer

BASELINE = "livesal-colour"


def main() -> None:
    """Print the table, or JSON."""
    options = _options()
    torch.set_num_threads(1)
    flush_denormals()
    size = (options.size[0], options.size[1])
    names = [BASELINE, *(name for name in options.networks if name != BASELINE)]
    rows = [_measure(name, size, options.frames) for name in names]
    for row in rows:
        for figure in ("frame_ms", "step_ms"):
            row[f"{figure}_ratio"] = round(float(row[figure]) / float(rows[0][figure]), 2)
    if options.json:
        print(json.dumps(rows))
    else:
        _print_table(rows, size)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "networks", nargs="*", default=["u2netp", "csnet_x2", "samnet"], help="names of `livesal models`, or `all`"
    )
    parser.add_argument("--size", type=int, nargs=2, default=(160, 288), metavar=("H", "W"), help="of the frames")
    parser.add_argument("--frames", type=int, default=20, help="frames a network sees (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.networks == ["all"]:
        options.networks = list(saliency_names())
    return options


def _measure(name: str, size: tuple[int, int], frames: int) -> dict[str, str | float]:
    """Return the medians of one network: a frame through encoder and head, and one iteration of Eq. (8)."""
    model = SaliencyModel(saliency_entry(name)).eval()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    served = serve(model, size)
    images = np.random.default_rng(0).integers(0, 256, (frames, *size, 3), np.uint8)
    frame = _milliseconds([lambda image=image: served.head(served.encode(image)) for image in images])
    keyframes = KeyframeTensors(torch.from_numpy(images[:2].copy()), torch.zeros(2, *size))
    steps = TwinTrainer(model, keyframes, RetrainingSettings(iterations_per_keyframe=4)).run()
    step = _milliseconds([lambda: next(steps)] * 8)
    return {"network": name, "parameters": parameters, "frame_ms": round(frame, 2), "step_ms": round(step, 2)}


def _milliseconds(work: Sequence[Callable[[], object]]) -> float:
    work[0]()
    taken = []
    for call in work[1:]:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return 1000 * median(taken)


def _print_table(rows: Sequence[dict[str, str | float]], size: tuple[int, int]) -> None:
    print(f"{size[0]}x{size[1]}, one thread; ratios to {BASELINE} in this run")
    print(f"{'network':22}{'parameters':>12}{'frame ms':>10}{'ratio':>7}{'step ms':>10}{'ratio':>7}")
    for row in rows:
        print(
            f"{row['network']:22}{row['parameters']:>12,}{row['frame_ms']:>10}{row['frame_ms_ratio']:>7}"
            f"{row['step_ms']:>10}{row['step_ms_ratio']:>7}"
        )


if __name__ == "__main__":
    main()
