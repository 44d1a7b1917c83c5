"""ViSal: `ViSal/SEQ`, `GroundTruth/SEQ`; every fifth frame or so has an anti-aliased ground truth."""

from typing import Final

from pipeline.evaluation.layouts.layout import Arrangement, Layout

VISAL: Final = Layout(
    name="visal",
    arrangements=(Arrangement(frames="ViSal/{sequence}", masks="GroundTruth/{sequence}"),),
    sparse=True,
    source="Wang et al., IEEE TIP 24(11), 2015",
)
"""ViSal."""
