"""Sets of two parallel folders: MCL, UVSD, and livesal's own plain layout."""

from typing import Final

from pipeline.evaluation.layouts.layout import Arrangement, Layout

_FRAMES: Final = ("JPEGImages", "Imgs", "images", "frames", "Videos")
_MASKS: Final = ("GT", "GroundTruth", "ground-truth", "Annotations")


def _parallel(own: str) -> tuple[Arrangement, ...]:
    """Return the arrangements in which copies of `own`, which has no official archive any more, are in use."""
    return (
        Arrangement(frames="{sequence}/Imgs", masks="{sequence}/ground-truth"),
        *(
            Arrangement(frames=f"{frames}/{{sequence}}", masks=f"{masks}/{{sequence}}")
            for frames in (own, *_FRAMES)
            for masks in _MASKS
        ),
    )


MCL: Final = Layout(
    name="mcl",
    arrangements=_parallel("MCL"),
    sparse=True,
    source="Kim et al., IEEE TIP 24(8), 2015; as the DAVSOD toolbox packs it, or as parallel folders",
)
"""MCL: ground truth on every eighth frame."""

UVSD: Final = Layout(
    name="uvsd",
    arrangements=_parallel("UVSD"),
    sparse=True,
    source="Liu et al., IEEE TCSVT 27(12), 2017; as the DAVSOD toolbox packs it, or as parallel folders",
)
"""UVSD."""

FOLDERS: Final = Layout(
    name="folders",
    arrangements=(Arrangement(frames="frames/{sequence}", masks="masks/{sequence}"),),
    lists=("{split}.txt",),
    source="livesal",
)
"""Anybody's own: `frames/SEQ`, `masks/SEQ`, and a list of sequences a split."""
