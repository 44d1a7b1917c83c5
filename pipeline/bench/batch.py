"""`livesal bench batch`: many cameras' frames by torch, one after the other and in one batch with stacked decoders."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from configs.settings import load_settings
from models.engine import serve
from models.loading import load_model
from models.torch_batch import TorchBatch
from pipeline.bench.options import BenchOptions
from pipeline.bench.report import BenchReport, Value, with_ratios
from pipeline.bench.timing import in_turns
from pipeline.bench.twins import twin_of
from pipeline.networks import choose_device

_CAMERAS: Final = (1, 4, 16)


def measure(options: BenchOptions) -> BenchReport:
    """Time the original's and the twin's map of a frame of each camera, both ways in turns."""
    torch.set_num_threads(1)
    method = load_settings(None, options.changes).method
    device = choose_device(method.device)
    model = load_model(method.colour)
    twin = twin_of(model)
    # a CPU serves by ONNX Runtime; the comparison is with torch's own engine on the same device
    alone = serve(model, options.size, "cpu:0" if device == "cpu" else device)
    head = alone.twin_head(twin)
    works: dict[str, Callable[[], object]] = {}
    counts = [int(name) for name in options.names] or list(_CAMERAS)
    rng = np.random.default_rng(0)

    def one_by_one(images: NDArray[np.uint8]) -> None:
        for image in images:
            features = alone.encode(image)
            alone.head(features)
            head(features)

    for count in counts:
        images = rng.integers(0, 256, (count, *options.size, 3), np.uint8)
        batch = TorchBatch(model, count, device)
        for camera in range(count):
            batch.swap(camera, twin)
        works[f"{count}, one by one"] = partial(one_by_one, images)
        works[f"{count}, one batch"] = partial(batch, images)
    timed = in_turns(works, options.lasting(20), least=3)
    rows: list[dict[str, Value]] = [
        {"cameras": name, "ms": one.wall, "frames/s": round(1000 * int(name.partition(",")[0]) / one.wall, 1)}
        for name, one in timed.items()
    ]
    return BenchReport(
        verb="batch",
        about=f"{method.colour} with twins at {options.size[1]}x{options.size[0]} by torch on {device}",
        rows=with_ratios(rows, "frames/s"),
        notes=() if device == "cuda" else ("no GPU is used: this says that the code runs, not what a GPU gains",),
    )
