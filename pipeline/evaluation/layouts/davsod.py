"""DAVSOD: `Easy-35/SEQ/Imgs`, `…/GT_object_level`; and the other sets as its toolbox packs them, `SEQ/ground-truth`."""

from typing import Final

from pipeline.evaluation.layouts.layout import Arrangement, Layout

DAVSOD: Final = Layout(
    name="davsod",
    arrangements=(
        Arrangement(frames="{part}/{sequence}/Imgs", masks="{part}/{sequence}/GT_object_level"),
        Arrangement(frames="{sequence}/Imgs", masks="{sequence}/GT_object_level"),
        Arrangement(frames="{sequence}/Imgs", masks="{sequence}/ground-truth"),
    ),
    sparse=True,
    source="Fan et al., CVPR 2019, github.com/DengPingFan/DAVSOD",
)
"""DAVSOD; `--split easy` is its Easy-35."""
