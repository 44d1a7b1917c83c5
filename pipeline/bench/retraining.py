"""`livesal bench retraining`: a round in seconds, by what is retrained and whether features are cached."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from configs.method import RetrainingSettings
from configs.settings import load_settings
from models.loading import load_model
from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, TwinTrainer
from pipeline.bench.options import BenchOptions
from pipeline.bench.pictures import read_pictures
from pipeline.bench.report import BenchReport, Value, with_ratios
from pipeline.working_size import shrink, working_size

_KEYFRAMES: Final = 8
_ROUND: Final = 16
"""Keyframes in a full window, by whose number a round's seconds are told."""


class _Uncached(TwinTrainer):
    """The decoder alone, its features computed anew at every iteration: what the cache saves."""

    def _features(self, index: int) -> Sequence[torch.Tensor]:
        del index
        return ()

    def _estimate(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        label = self.keyframes.labels[index : index + 1].unsqueeze(1)
        features = TwinTrainer._features(self, index)  # noqa: SLF001 - the one that was put aside
        return self.model.decode(features, (label.shape[-2], label.shape[-1])), label


_WAYS: Final = {
    "decoder, features cached": ("decoder", TwinTrainer),
    "decoder, features anew": ("decoder", _Uncached),
    "all layers": ("all", TwinTrainer),
}


def measure(options: BenchOptions) -> BenchReport:
    """Retrain in the three ways, an iteration of each in turns."""
    torch.set_num_threads(1)
    method = load_settings(None, options.changes).method
    keyframes = _keyframes(options)
    networks = options.names or (method.colour,)
    rows: list[dict[str, Value]] = []
    for name in networks:
        rows += _measure(name, keyframes, options.lasting(20))
    size = f"{keyframes.images.shape[2]}x{keyframes.images.shape[1]}"
    lamda = RetrainingSettings().iterations_per_keyframe
    return BenchReport(
        verb="retraining",
        about=f"iterations of Eq. (8) at {size} on one thread, ways in turns; a round is {lamda} x {_ROUND} iterations",
        rows=with_ratios(rows, "ms an iteration"),
        notes=("seconds a round: with its preparation, the core to itself; ratio: to the first row",),
    )


def _keyframes(options: BenchOptions) -> KeyframeTensors:
    pictures = read_pictures(options, _KEYFRAMES)
    area = options.size[0] * options.size[1]
    size = working_size((pictures[0].shape[0], pictures[0].shape[1]), area)
    images = np.stack([shrink(picture, size) for picture in pictures])
    rng = np.random.default_rng(0)
    labels = rng.random((len(images), *size), np.float32)  # iterations take the same time on any label
    return KeyframeTensors(torch.from_numpy(images), torch.from_numpy(labels))


def _measure(name: str, keyframes: KeyframeTensors, seconds: float) -> list[dict[str, Value]]:
    trainers: dict[str, TwinTrainer] = {}
    prepared: dict[str, float] = {}
    for way, (scope, kind) in _WAYS.items():
        model = load_model(name)
        if scope == "decoder" and not model.splits:
            continue
        started = time.perf_counter()
        trainers[way] = kind(model, keyframes, _settings(scope))
        prepared[way] = (time.perf_counter() - started) * _ROUND / len(keyframes)
    taken: dict[str, list[float]] = {way: [] for way in trainers}
    steps = {way: trainer.run() for way, trainer in trainers.items()}
    for way in trainers:
        next(steps[way])
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(next(iter(taken.values()))) < 3:
        for way in trainers:
            started = time.perf_counter()
            next(steps[way])
            taken[way].append(time.perf_counter() - started)
    return [_row(name, way, trainers[way].model, float(np.median(taken[way])), prepared[way]) for way in trainers]


def _settings(scope: str) -> RetrainingSettings:
    """Return settings of a round that outlasts the measurement."""
    return RetrainingSettings.model_validate({"scope": scope, "iterations_per_keyframe": 1000})


def _row(name: str, way: str, model: SaliencyModel, step: float, prepared: float) -> dict[str, Value]:
    iterations = RetrainingSettings().iterations_per_keyframe * _ROUND
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return {
        "what is retrained": f"{name}, {way}",
        "ms an iteration": round(1000 * step, 2),
        "iterations/s": round(1 / step, 1),
        "seconds a round": round(prepared + iterations * step, 2),
        "parameters": trained,
    }
