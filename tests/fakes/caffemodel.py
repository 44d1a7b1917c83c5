"""Writes .caffemodel files byte by byte, independently of the reader's schema."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OLD_TYPES = {"Convolution": 4, "InnerProduct": 14, "Deconvolution": 39}
"""Numbers of the types in the older format."""


def caffemodel(layers: Sequence[tuple[str, str, Sequence[NDArray[np.float32]]]], *, old: bool = False) -> bytes:
    """Return a .caffemodel of layers (name, type, blobs) in the present format, or in the older one."""
    content = _field(1, b"a net") + _varint_field(5, 1)  # a name and `force_backward`, which readers skip
    for name, kind, blobs in layers:
        content += _old_layer(name, kind, blobs) if old else _layer(name, kind, blobs)
    return content


def _layer(name: str, kind: str, blobs: Sequence[NDArray[np.float32]]) -> bytes:
    body = _field(1, name.encode()) + _field(2, kind.encode()) + _field(3, b"a bottom")
    return _field(100, body + b"".join(_field(7, _blob(blob)) for blob in blobs))


def _old_layer(name: str, kind: str, blobs: Sequence[NDArray[np.float32]]) -> bytes:
    body = _field(4, name.encode()) + _varint_field(5, OLD_TYPES[kind])
    return _field(2, body + b"".join(_field(6, _old_blob(blob)) for blob in blobs))


def _blob(values: NDArray[np.float32]) -> bytes:
    shape = b"".join(_varint(size) for size in values.shape)
    return _field(7, _field(1, shape)) + _field(5, values.astype("<f4").tobytes())


def _old_blob(values: NDArray[np.float32]) -> bytes:
    shape = (1,) * (4 - values.ndim) + values.shape
    return b"".join(_varint_field(number, size) for number, size in enumerate(shape, 1)) + _field(
        5, values.astype("<f4").tobytes()
    )


def double_blob(values: NDArray[np.float64]) -> bytes:
    """Return a blob of doubles, its values in two chunks, as the wire format allows."""
    half = values.size // 2
    flat = values.astype("<f8").ravel()
    shape = b"".join(_varint(size) for size in values.shape)
    return _field(7, _field(1, shape)) + _field(8, flat[:half].tobytes()) + _field(8, flat[half:].tobytes())


def layer_of(name: str, kind: str, blobs: Sequence[bytes]) -> bytes:
    """Return a layer of blobs that are encoded already."""
    return _field(100, _field(1, name.encode()) + _field(2, kind.encode()) + b"".join(_field(7, b) for b in blobs))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
