"""From what decoders give to the RGB of frames."""

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray


def to_rgb(reformatter: VideoReformatter, frame: VideoFrame) -> NDArray[np.uint8]:
    """Return a decoded picture as (H, W, 3) uint8 RGB of full range; a reformatter belongs to one thread."""
    rgb = reformatter.reformat(
        frame, format="rgb24", src_color_range=frame.color_range, dst_color_range=ColorRange.JPEG, threads=1
    )
    return np.asarray(rgb.to_ndarray(), np.uint8)
