"""Pictures for people: saliency maps in colour, overlays, boxes, mosaics. Pure functions; sizes are always even.

Work at the display size: `fit` the frame first, then lay the map over it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.events import TrackedRegion

Image = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

_COLOURS: Final = cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(1, -1), cv2.COLORMAP_INFERNO)[:, :, ::-1]
_BOX_COLOUR: Final = (80, 230, 120)
_ZONE_COLOUR: Final = (120, 190, 255)
_PAPER: Final = (24, 26, 30)
_INK: Final = (235, 235, 235)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def even(length: int) -> int:
    """Return the even number of pixels at or below `length`, at least 2: 4:2:0 video has no odd sizes."""
    return max(2, length - length % 2)


def fit(image: Image, width: int) -> Image:
    """Return `image` at most `width` pixels wide, its aspect kept, both sides even.

    A narrower image keeps its size, but for an odd last row or column, which is cut off.
    """
    height, own = image.shape[:2]
    if own <= width:
        return np.ascontiguousarray(image[: even(height), : even(own)])
    return resize(image, (even(round(height * width / own)), even(width)))


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Return (H, W[, 3]) `image` at `size` (height, width) in pixels."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=way), np.uint8)


def grey(saliency: NDArray[np.float32]) -> Image:
    """Return a (h, w) map in [0, 1] as (h, w, 3) uint8 grey: black 0, white 1."""
    return np.asarray(cv2.cvtColor(_levels(saliency), cv2.COLOR_GRAY2RGB), np.uint8)


def heatmap(saliency: NDArray[np.float32]) -> Image:
    """Return a (h, w) map in [0, 1] as (h, w, 3) uint8 RGB, black over violet and orange to yellow (inferno)."""
    return np.asarray(cv2.LUT(cv2.cvtColor(_levels(saliency), cv2.COLOR_GRAY2RGB), _COLOURS), np.uint8)


def overlay(image: Image, saliency: NDArray[np.float32], opacity: float = 0.75) -> Image:
    """Return `image` (H, W, 3) with the map's colours over it, each pixel as opaque as it is salient.

    Args:
        image: the frame, at display size.
        saliency: (h, w) map in [0, 1] of any size.
        opacity: of a pixel of saliency 1, [0, 1].

    Raises:
        ValueError: the opacity is out of range.
    """
    if not 0 <= opacity <= 1:
        message = f"an overlay's opacity is in [0, 1], not {opacity}"
        raise ValueError(message)
    levels = resize(_levels(saliency), (image.shape[0], image.shape[1]))
    levels3 = cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB)
    colours = cv2.LUT(levels3, _COLOURS)
    shown = cv2.multiply(colours, levels3, scale=opacity / 255)
    kept = cv2.multiply(image, cv2.bitwise_not(cv2.convertScaleAbs(levels3, alpha=opacity)), scale=1 / 255)
    return np.asarray(cv2.add(shown, kept), np.uint8)


def draw_regions(image: Image, regions: Sequence[TrackedRegion], source_size: tuple[int, int]) -> Image:
    """Return `image` with a box and the score in per cent for each region.

    Args:
        image: the picture at display size.
        regions: their boxes are in pixels of the source frame.
        source_size: (height, width) of the source frame.
    """
    drawn = image.copy()
    scale_y, scale_x = image.shape[0] / source_size[0], image.shape[1] / source_size[1]
    for region in regions:
        x1, y1, x2, y2 = region.box
        first, second = (round(x1 * scale_x), round(y1 * scale_y)), (round(x2 * scale_x), round(y2 * scale_y))
        cv2.rectangle(drawn, first, second, _BOX_COLOUR, 2)
        _label(drawn, f"{region.score * 100:.0f}%", (first[0] + 2, max(0, first[1] - 16)))
    return drawn


def draw_zones(image: Image, zones: Mapping[str, NDArray[np.float32]]) -> Image:
    """Return `image` with the thin outline and the name of each zone.

    Args:
        image: the picture at display size.
        zones: (N, 2) float32 corners (x, y) in [0, 1] of the picture, by name.
    """
    if not zones:
        return image
    drawn = image.copy()
    for name, corners in zones.items():
        points = np.round(corners * (image.shape[1] - 1, image.shape[0] - 1)).astype(np.int32)
        cv2.polylines(drawn, [points.reshape(-1, 1, 2)], isClosed=True, color=_ZONE_COLOUR, thickness=1)
        x, y = (int(value) for value in points.min(0))
        _label(drawn, name, (x + 2, y + 2))
    return drawn


def mosaic(tiles: Mapping[str, Image], columns: int = 3) -> Image:
    """Return the tiles side by side, row by row, each under its label; all take the first one's size.

    Raises:
        ValueError: there is no tile.
    """
    if not tiles:
        message = "a mosaic needs at least one tile"
        raise ValueError(message)
    first = next(iter(tiles.values()))
    height, width = even(first.shape[0]), even(first.shape[1])
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    canvas = np.full((rows * height, columns * width, 3), _PAPER, np.uint8)
    for number, (label, tile) in enumerate(tiles.items()):
        top, left = number // columns * height, number % columns * width
        canvas[top : top + height, left : left + width] = resize(tile, (height, width))
        _label(canvas, label, (left + 4, top + 4))
    return canvas


def no_signal_card(size: tuple[int, int], text: str) -> Image:
    """Return a dark (H, W, 3) card of `size` (height, width), made even, with `text` in its middle."""
    height, width = even(size[0]), even(size[1])
    card = np.full((height, width, 3), _PAPER, np.uint8)
    scale = width / 640
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, 1)
    scale *= min(1.0, 0.9 * width / max(1, text_width))
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, 1)
    origin = (max(0, (width - text_width) // 2), (height + text_height) // 2)
    cv2.putText(card, text, origin, _FONT, scale, _INK, 1, cv2.LINE_AA)
    return card


def jpeg(image: Image, quality: int = 85) -> bytes:
    """Return (H, W, 3) RGB `image` as a JPEG file of `quality` in [1, 100]."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(encoded)


def _levels(saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return [0, 1] as 0 … 255, rounded, what is outside cut off."""
    return np.asarray(cv2.convertScaleAbs(cv2.max(saliency, 0.0), alpha=255.0), np.uint8)  # type: ignore[call-overload]


def _label(image: Image, text: str, corner: tuple[int, int]) -> None:
    """Write `text` on a dark plate whose top left is `corner` (x, y), into `image`."""
    (width, height), _ = cv2.getTextSize(text, _FONT, 0.4, 1)
    x, y = corner
    cv2.rectangle(image, (x, y), (x + width + 5, y + height + 6), _PAPER, cv2.FILLED)
    cv2.putText(image, text, (x + 3, y + height + 3), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
