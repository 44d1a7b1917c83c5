"""CDnet 2014: `dataset/CATEGORY/VIDEO/{input,groundtruth}`, five labels, scored inside `temporalROI.txt`."""

from typing import Final

from pipeline.evaluation.ground_truth import read_cdnet
from pipeline.evaluation.layouts.layout import Arrangement, Layout, Place
from pipeline.evaluation.layouts.pairing import LabelledFrame, number, pair, pictures, within


def _inside_region(place: Place) -> tuple[LabelledFrame, ...]:
    """Pair `in000001.jpg` with `gt000001.png`; frames outside the temporal region have no ground truth."""
    frames = pair(pictures(place.frames), pictures(place.masks))
    region = place.frames.parent / "temporalROI.txt"
    if not region.is_file():
        return frames
    first, last = (int(word) for word in region.read_text(encoding="utf-8").split()[:2])
    return within(frames, {frame.name: first <= (number(frame.name) or 0) <= last for frame in frames})


CDNET: Final = Layout(
    name="cdnet",
    arrangements=(
        Arrangement(frames="dataset/{part}/{sequence}/input", masks="dataset/{part}/{sequence}/groundtruth"),
        Arrangement(frames="{part}/{sequence}/input", masks="{part}/{sequence}/groundtruth"),
    ),
    frames=_inside_region,
    read=read_cdnet,
    sparse=True,
    category=True,
    source="Wang et al., CVPR workshops 2014, changedetection.net",
)
"""CDnet 2014; `--split shadow` takes one category."""
