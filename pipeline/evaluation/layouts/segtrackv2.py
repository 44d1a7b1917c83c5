"""SegTrack v2: `JPEGImages/SEQ`, `GroundTruth/SEQ`, with a numbered folder an object where there are several."""

from typing import Final

from pipeline.evaluation.layouts.layout import Arrangement, Layout, Place
from pipeline.evaluation.layouts.pairing import LabelledFrame, pair, pictures


def _united_objects(place: Place) -> tuple[LabelledFrame, ...]:
    """Pair frames with their mask, or with one mask an object: the salient pixels are those of all objects."""
    objects = sorted(folder for folder in place.masks.iterdir() if folder.is_dir())
    masks = [path for folder in objects or [place.masks] for path in pictures(folder)]
    return pair(pictures(place.frames), masks)


SEGTRACKV2: Final = Layout(
    name="segtrackv2",
    arrangements=(Arrangement(frames="JPEGImages/{sequence}", masks="GroundTruth/{sequence}"),),
    lists=("ImageSets/{split}.txt",),
    frames=_united_objects,
    source="Li et al., ICCV 2013, web.engr.oregonstate.edu/~lif/SegTrack2",
)
"""SegTrack v2."""
