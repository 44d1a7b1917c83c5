"""A user's own ONNX graph, served as it is: no twin, no export, no torch.

What it must look like:

    input    one, (1, 3, h, w), any name; float32: RGB in [0, 1], less ImageNet's mean, over its deviation;
             uint8: RGB as it is. h and w fixed (images are resized) or dynamic (images come at the working size).
    output   the first one counts: (1, 1, h', w'), (1, h', w') or (h', w') saliency in [0, 1], of any size.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Never, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.engine import Features, Head, Image, Saliency
from models.errors import ExportError, PluginError
from models.onnx_engine import session
from models.registry import IMAGENET

_FLOAT: Final = "tensor(float)"
_BYTES: Final = "tensor(uint8)"
_TOLERANCE: Final = 1e-3
"""How far beyond [0, 1] rounding may take a probability."""


Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])


class OnnxFile:
    """An ONNX file whose input has been found to be one that livesal can fill.

    Attributes:
        path: of the file.
        size: fixed (h, w) of its input; None in a place = dynamic.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            PluginError: it is missing, no ONNX graph, or has another input; the message says what was found.
        """
        if not path.is_file():
            message = f"{path}: no such ONNX file"
            raise PluginError(message)
        self.path = path
        try:
            self._session = session(str(path))
        except Exception as error:  # ONNX Runtime's own errors have no base but this
            message = f"{path}: ONNX Runtime cannot read it: {str(error).splitlines()[0]}"
            raise PluginError(message) from error
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if inputs else []
        fits = len(inputs) == 1 and inputs[0].type in {_FLOAT, _BYTES} and len(shape) == 4
        if not fits or not _may_be(shape[0], 1) or not _may_be(shape[1], 3):
            found = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs) or "none"
            message = f"{path}: its input must be one float32 or uint8 tensor (1, 3, h, w) of RGB; found: {found}"
            raise PluginError(message)
        self.size = tuple(side if isinstance(side, int) else None for side in shape[2:])
        self._input = inputs[0].name
        self._normalised = inputs[0].type == _FLOAT

    def served(self, size: tuple[int, int], device: str) -> "OnnxFileNetwork":
        """Make the graph ready to serve images of `size` = (h, w); it runs on the CPU whatever `device` says.

        Raises:
            PluginError: it fails on such images, or its output is not saliency.
        """
        del device
        return OnnxFileNetwork(self, size)

    def run(self, image: Image, size: tuple[int, int]) -> Saliency:
        """Return (h, w) float32 saliency of `size` in [0, 1] of one (H, W, 3) uint8 RGB image."""
        return np.clip(_resized(self.raw(self.prepare(image)), size), 0, 1)

    def prepare(self, image: Image) -> NDArray[np.float32] | NDArray[np.uint8]:
        """Return one (H, W, 3) uint8 RGB image as the graph's (1, 3, h, w) input."""
        height, width = self.size
        sized = _resized(image, (height or image.shape[0], width or image.shape[1]))
        if not self._normalised:
            return np.ascontiguousarray(sized.transpose(2, 0, 1)[None])
        mean, deviation = (np.asarray(value, np.float32) for value in (IMAGENET.mean, IMAGENET.std))
        normalised = (np.float32(1 / 255) * sized - mean) / deviation
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)

    def raw(self, prepared: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the graph's first output as (h', w') float32.

        Raises:
            PluginError: it is no single map.
        """
        output = np.asarray(self._session.run(None, {self._input: prepared})[0])
        leading, map_size = output.shape[:-2], output.shape[-2:]
        if output.ndim > 4 or len(map_size) < 2 or min(map_size) < 2 or any(side != 1 for side in leading):
            message = f"{self.path}: its first output must be one map such as (1, 1, h, w); found {output.shape}"
            raise PluginError(message)
        return np.asarray(output.reshape(map_size), np.float32)


class OnnxFileNetwork:
    """A `ServedNetwork` on a user's own graph."""

    def __init__(self, file: OnnxFile, size: tuple[int, int]) -> None:
        """Run the graph on a black, a white and a random image of `size`, and look at what comes out.

        Raises:
            PluginError: it fails on them, or its output is not saliency in [0, 1].
        """
        self._file = file
        self._size = size
        self._head = _FileHead(file, size)
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        for image in (np.zeros_like(noise), np.full_like(noise, 255), noise):
            self._try(image)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that it serves."""
        return self._size

    @property
    def adaptable(self) -> bool:
        """No: there is nothing to retrain."""
        return False

    @property
    def head(self) -> Head:
        """The graph."""
        return self._head

    def encode(self, image: Image) -> Features:
        """Return the image: the graph starts there."""
        return image

    def twin_head(self, state: Mapping[str, Tensor]) -> Never:
        """Raise; see `ServedNetwork.twin_head`."""
        del state
        message = f"{self._file.path} is served as it is: an ONNX graph has no twin"
        raise ExportError(message)

    def _try(self, image: Image) -> None:
        try:
            output = self._file.raw(self._file.prepare(image))
        except PluginError:
            raise
        except Exception as error:  # ONNX Runtime's own errors have no base but this
            message = (
                f"{self._file.path} fails on an image of {self._size[0]}x{self._size[1]} pixels: "
                f"{str(error).splitlines()[0]}. If it needs a certain size, export it with that size fixed"
            )
            raise PluginError(message) from error
        low, high = float(output.min()), float(output.max())
        if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):
            message = (
                f"{self._file.path}: its output runs from {low:.3g} to {high:.3g}, but saliency lies in [0, 1]: "
                "export it with a sigmoid at its end"
            )
            raise PluginError(message)


class _FileHead:
    """From an image to its map."""

    def __init__(self, file: OnnxFile, size: tuple[int, int]) -> None:
        self._file = file
        self._size = size

    def __call__(self, features: Features) -> Saliency:
        return self._file.run(features, self._size)


def _may_be(side: int | str | None, length: int) -> bool:
    """Tell whether a side is `length` or dynamic."""
    return side == length or not isinstance(side, int)


def _resized(array: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize an image or a map bilinearly to `size` = (h, w)."""
    if array.shape[:2] == size:
        return array
    return cast("Pixels", cv2.resize(array, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))
