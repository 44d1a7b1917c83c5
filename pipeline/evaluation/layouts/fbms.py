"""FBMS-59: `Testset/SEQ` with `GroundTruth` inside; regions in .pgm (black is background) or .ppm (white is)."""

from typing import Final

from pipeline.evaluation.ground_truth import read_fbms
from pipeline.evaluation.layouts.layout import Arrangement, Layout, Place
from pipeline.evaluation.layouts.pairing import LabelledFrame, pair, pictures


def _without_probabilities(place: Place) -> tuple[LabelledFrame, ...]:
    """Pair by frame number; of several files for one frame the .ppm counts, and `_PROB` files never do."""
    masks = [path for path in pictures(place.masks) if "PROB" not in path.stem]
    coded = [path for path in masks if path.suffix == ".ppm"]
    frames = [path for path in pictures(place.frames) if path.suffix not in {".pgm", ".ppm"}]
    return pair(frames, coded or masks)


FBMS: Final = Layout(
    name="fbms",
    arrangements=(
        Arrangement(frames="{part}/{sequence}", masks="{part}/{sequence}/GroundTruth"),
        Arrangement(frames="{sequence}", masks="{sequence}/GroundTruth"),
    ),
    frames=_without_probabilities,
    read=read_fbms,
    sparse=True,
    source="Ochs, Malik, Brox, IEEE TPAMI 36(6), 2014, lmb.informatik.uni-freiburg.de",
)
"""FBMS-59; `--split test` is its Testset, `--split train` its Trainingset."""
