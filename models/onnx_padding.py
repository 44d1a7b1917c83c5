"""Padding before a convolution, made the convolution's own.

torch has no uneven padding in its convolutions, so TensorFlow's "SAME" becomes a `Pad` of its own. ONNX Runtime then
turns every picture from its blocked layout to the plain one and back again, which is a quarter of an encoder's time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_padding(proto: onnx.ModelProto) -> None:
    """Fold every constant padding with zeros whose only reader is a convolution into that convolution, in place."""
    producers = {name: node for node in proto.graph.node for name in node.output}
    constants = {entry.name: entry for entry in proto.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {entry.name: [] for entry in proto.graph.output}
    for node in proto.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {entry.name for entry in proto.graph.output}
    folded: list[onnx.NodeProto] = []
    for pad in [node for node in proto.graph.node if node.op_type == "Pad"]:
        reading = readers.get(pad.output[0], [])
        if pad.output[0] in outputs or len(reading) != 1 or reading[0].op_type != "Conv":
            continue
        pads = _zeros_around(pad, producers, constants, proto)
        if pads is not None and _widen(reading[0], pads):
            reading[0].input[0] = pad.input[0]
            folded.append(pad)
    for pad in folded:
        proto.graph.node.remove(pad)
    _remove_unread(proto)


def _zeros_around(
    pad: onnx.NodeProto,
    producers: Mapping[str, onnx.NodeProto],
    constants: Mapping[str, onnx.TensorProto],
    proto: onnx.ModelProto,
) -> list[int] | None:
    """Return how many zeros a `Pad` puts (top, left, bottom, right); None if it does something else."""
    mode = next((attribute.s for attribute in pad.attribute if attribute.name == "mode"), b"constant")
    if mode != b"constant" or len(pad.input) < 2 or len(pad.input) > 3:
        return None
    amounts = _constant(pad.input[1], producers, constants, proto)
    value = _constant(pad.input[2], producers, constants, proto) if len(pad.input) == 3 and pad.input[2] else 0
    if amounts is None or value is None or np.any(value) or amounts.size != 8:
        return None
    before, after = (part.tolist() for part in np.split(amounts, 2))
    if any((*before[:2], *after[:2])) or min(*before, *after) < 0:
        return None
    return [*before[2:], *after[2:]]


def _widen(convolution: onnx.NodeProto, pads: list[int]) -> bool:
    """Add `pads` to a convolution's own; say whether its padding is of the kind that can be added to."""
    own = {attribute.name: attribute for attribute in convolution.attribute}
    if "auto_pad" in own and own["auto_pad"].s != b"NOTSET":
        return False
    present = list(own["pads"].ints) if "pads" in own else [0, 0, 0, 0]
    if len(present) != len(pads):
        return False
    if "pads" in own:
        convolution.attribute.remove(own["pads"])
    total = [first + second for first, second in zip(present, pads, strict=True)]
    convolution.attribute.append(helper.make_attribute("pads", total))
    return True


def _constant(
    name: str,
    producers: Mapping[str, onnx.NodeProto],
    constants: Mapping[str, onnx.TensorProto],
    proto: onnx.ModelProto,
) -> np.ndarray | None:
    """Return the value of `name` if it follows from constants alone: the exporter leaves sums to be done."""
    if name in constants:
        return numpy_helper.to_array(constants[name])
    nodes = list(_ancestry(name, producers))
    made = {output for node in nodes for output in node.output}
    needed = {entry for node in nodes for entry in node.input if entry} - made
    if name not in made or not needed <= constants.keys():
        return None
    wanted = helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None)
    graph = helper.make_graph(nodes, "constant", [], [wanted], [constants[entry] for entry in needed])
    model = helper.make_model(graph, opset_imports=proto.opset_import, ir_version=proto.ir_version)
    results = cast("Sequence[np.ndarray]", ReferenceEvaluator(model).run(None, {}))  # in the order of the outputs
    return np.asarray(results[0])


def _ancestry(name: str, producers: Mapping[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that `name` comes from, each once, inputs before what reads them."""
    seen: set[str] = set()

    def visit(wanted: str) -> Iterator[onnx.NodeProto]:
        node = producers.get(wanted)
        if node is None or wanted in seen:
            return
        seen.update(node.output)
        for entry in node.input:
            yield from visit(entry)
        yield node

    yield from visit(name)


def _remove_unread(proto: onnx.ModelProto) -> None:
    """Remove nodes whose outputs nobody reads any more."""
    while True:
        read = {name for node in proto.graph.node for name in node.input} | {entry.name for entry in proto.graph.output}
        unread = [node for node in proto.graph.node if not read.intersection(node.output)]
        if not unread:
            return
        for node in unread:
            proto.graph.node.remove(node)
