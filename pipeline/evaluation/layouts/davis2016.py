"""DAVIS-2016: `JPEGImages/480p/SEQ`, `Annotations/480p/SEQ`, `ImageSets/480p/val.txt`."""

from typing import Final

from pipeline.evaluation.layouts.layout import Arrangement, Layout

DAVIS2016: Final = Layout(
    name="davis2016",
    arrangements=(
        Arrangement(frames="JPEGImages/480p/{sequence}", masks="Annotations/480p/{sequence}"),
        Arrangement(frames="JPEGImages/1080p/{sequence}", masks="Annotations/1080p/{sequence}"),
        Arrangement(frames="JPEGImages/{sequence}", masks="Annotations/{sequence}"),
    ),
    lists=("ImageSets/480p/{split}.txt", "ImageSets/2016/{split}.txt", "ImageSets/{split}.txt"),
    source="Perazzi et al., CVPR 2016, davischallenge.org",
)
"""DAVIS-2016, and what was packed like it."""
