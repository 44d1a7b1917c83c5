"""Weights out of .caffemodel files, without Caffe.

Such a file is a protocol buffer. The schema here has only the fields that carry weights (their numbers are those of
Caffe's public `caffe.proto`); the parser skips all others. What Caffe declares as packed numbers is declared as bytes:
the two look the same in the file, and bytes become an array without a Python object for every weight.

Both generations of the format are read: `layer` (types by name) and the older `layers` (types by number).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]  # no stubs
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from torch import Tensor

from models.errors import CheckpointError

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "livesal.caffe"

# Message: (field, number, type or message, repeated).
_SCHEMA: Final = {
    "BlobShape": (("dim", 1, _Field.TYPE_INT64, True),),
    "BlobProto": (
        ("num", 1, _Field.TYPE_INT32, False),
        ("channels", 2, _Field.TYPE_INT32, False),
        ("height", 3, _Field.TYPE_INT32, False),
        ("width", 4, _Field.TYPE_INT32, False),
        ("data", 5, _Field.TYPE_BYTES, True),
        ("shape", 7, "BlobShape", False),
        ("double_data", 8, _Field.TYPE_BYTES, True),
    ),
    "V1LayerParameter": (
        ("name", 4, _Field.TYPE_BYTES, False),
        ("type", 5, _Field.TYPE_INT32, False),
        ("blobs", 6, "BlobProto", True),
    ),
    "LayerParameter": (
        ("name", 1, _Field.TYPE_BYTES, False),
        ("type", 2, _Field.TYPE_BYTES, False),
        ("blobs", 7, "BlobProto", True),
    ),
    "NetParameter": (
        ("layers", 2, "V1LayerParameter", True),
        ("layer", 100, "LayerParameter", True),
    ),
}

_OLD_TYPES: Final = {4: "Convolution", 14: "InnerProduct", 39: "Deconvolution"}


@dataclass(frozen=True, slots=True, eq=False)
class CaffeLayer:
    """A layer with weights.

    Attributes:
        name: as in the prototxt.
        type: such as "Convolution".
        blobs: float32 arrays in Caffe's order, shaped as stored.
    """

    name: str
    type: str
    blobs: tuple[NDArray[np.float32], ...]


def read_caffemodel(path: Path) -> tuple[CaffeLayer, ...]:
    """Return the layers with weights in the .caffemodel file at `path`, in order.

    Raises:
        CheckpointError: missing, truncated, of another format, or a blob's shape and its values disagree.
    """
    network = _network_type()()
    try:
        network.ParseFromString(path.read_bytes())
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise CheckpointError(message) from None
    except DecodeError:
        message = f"{path}: is truncated or no .caffemodel; download it again"
        raise CheckpointError(message) from None
    old = [(layer.name, _OLD_TYPES.get(layer.type, f"number {layer.type}"), layer.blobs) for layer in network.layers]
    new = [(layer.name, layer.type.decode(errors="replace"), layer.blobs) for layer in network.layer]
    layers = tuple(_layer(path, name.decode(errors="replace"), kind, blobs) for name, kind, blobs in old + new if blobs)
    if not layers:
        message = f"{path}: holds no weights: is it a .caffemodel, and not a .prototxt or a .solverstate?"
        raise CheckpointError(message)
    return layers


def caffe_state(layers: Sequence[CaffeLayer], origin: str) -> dict[str, Tensor]:
    """Return weights by `<layer>.<parameter>`, as livesal's networks of Caffe origin name them.

    Convolution and deconvolution give `weight` and `bias`; `BatchNorm` gives `running_mean` and `running_var`, divided
    by the layer's own factor; `Scale` gives `gamma` and `beta`; PSPNet's `BN` gives `weight`, `bias`, `running_mean`
    and `running_var`; `ConvLSTM` gives what `models.saliency.ssav.ConvLstm` has.

    Raises:
        CheckpointError: a layer has weights of a kind, or in a number, that no network here knows.
    """
    state: dict[str, Tensor] = {}
    for layer in layers:
        convert = _CONVERSIONS.get(layer.type)
        if convert is None:
            message = f"{origin}: layer '{layer.name}' is of type {layer.type}, whose weights no network here has"
            raise CheckpointError(message)
        try:
            parameters = convert(layer.blobs)
        except ValueError:
            count = len(layer.blobs)
            message = f"{origin}: layer '{layer.name}' ({layer.type}) has {count} blobs; is it of another Caffe?"
            raise CheckpointError(message) from None
        for name, values in parameters.items():
            state[f"{layer.name}.{name}"] = torch.from_numpy(np.array(values, np.float32))
    return state


def _convolution(blobs: Sequence[NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    names = ("weight", "bias")[: len(blobs)]
    return dict(zip(names, (blobs[0], *map(np.ravel, blobs[1:])), strict=True))


def _batch_norm(blobs: Sequence[NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    mean, variance, factor = map(np.ravel, blobs)
    share = np.float32(0 if factor[0] == 0 else 1 / factor[0])
    return {"running_mean": mean * share, "running_var": variance * share}


def _scale(blobs: Sequence[NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    gamma, beta = map(np.ravel, blobs)
    return {"gamma": gamma, "beta": beta}


def _affine_norm(blobs: Sequence[NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    slope, bias, mean, variance = map(np.ravel, blobs)
    return {"weight": slope, "bias": bias, "running_mean": mean, "running_var": variance}


def _conv_lstm(blobs: Sequence[NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    inputs, hidden, bias, enter, forget, leave = blobs
    return {
        "input.weight": inputs,
        "hidden.weight": hidden,
        "hidden.bias": bias.ravel(),
        "peephole_input": enter,
        "peephole_forget": forget,
        "peephole_output": leave,
    }


_CONVERSIONS: Final[Mapping[str, Callable[[Sequence[NDArray[np.float32]]], Mapping[str, NDArray[np.float32]]]]] = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "BN": _affine_norm,
    "ConvLSTM": _conv_lstm,
}


def _layer(path: Path, name: str, kind: str, blobs: Sequence[Any]) -> CaffeLayer:
    try:
        return CaffeLayer(name, kind, tuple(_values(blob) for blob in blobs))
    except ValueError as error:
        message = f"{path}: layer '{name}' is damaged ({error}); download the file again"
        raise CheckpointError(message) from None


def _values(blob: Any) -> NDArray[np.float32]:
    """Return a blob's values in its shape: `shape`, or the four older fields."""
    if blob.double_data:
        flat = np.frombuffer(b"".join(blob.double_data), "<f8").astype(np.float32)
    else:
        flat = np.frombuffer(b"".join(blob.data), "<f4")
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else (blob.num, blob.channels, blob.height, blob.width)
    return flat.reshape(shape)


@cache
def _network_type() -> Callable[[], Any]:
    """Compile the schema and return the class of its `NetParameter`."""
    file = descriptor_pb2.FileDescriptorProto(name="livesal/caffe.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _SCHEMA.items():
        declared = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = declared.field.add(name=name, number=number)
            field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory: Callable[[], Any] = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.NetParameter"))
    return factory
