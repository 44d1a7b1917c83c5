"""Serving by ONNX Runtime on the CPU: one thread a network, weights swapped by patching the graph."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from models.engine import Features, Head, Image, Saliency
from models.errors import ExportError
from models.graph_cache import GraphCache
from models.onnx_export import EncoderGraph, HeadGraph, WholeGraph, as_batch, export, patch
from models.registry import SaliencyEntry
from models.saliency_model import SaliencyModel
from models.side_outputs import reduce_sides

PARITY: Final = 1e-3
"""Largest difference from torch, in saliency, that a served graph may have."""

_PREFIX: Final = "model.network."
_IMAGE: Final = "image"


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image and its features, as ONNX Runtime's own values: nothing is copied between sessions."""

    image: onnxruntime.OrtValue
    features: tuple[onnxruntime.OrtValue, ...]


class OnnxHead:
    """One session to a saliency map, from the features or, where it is a whole network, from the image."""

    def __init__(self, proto: onnx.ModelProto, entry: SaliencyEntry, size: tuple[int, int]) -> None:
        """Build the session of `entry`'s network, for maps of `size` = (h, w)."""
        self._outputs: Literal["logits", "probabilities"] = entry.outputs
        self._size = size
        self._session = session(proto.SerializeToString())
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._whole = self._inputs == [_IMAGE]

    def __call__(self, features: Features) -> Saliency:
        """Return (h, w) float32 saliency in [0, 1]."""
        encoded = cast("Encoded", features)
        values = (encoded.image,) if self._whole else encoded.features
        sides = self._session.run_with_ort_values(None, dict(zip(self._inputs, values, strict=True)))
        return reduce_sides([side.numpy() for side in sides], self._size, self._outputs)


class OnnxNetwork:
    """A `ServedNetwork` on ONNX Runtime."""

    def __init__(self, model: SaliencyModel, size: tuple[int, int]) -> None:
        """Export `model` for images of `size`, or take its graphs from the cache, and check them against torch.

        Raises:
            ExportError: the network cannot be exported, or the graph differs from torch.
        """
        self.model = model.eval()
        self._size = size
        self._probe = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        self._cache = GraphCache(model, size)
        try:
            self._build()
        except Exception:  # what a damaged graph makes ONNX Runtime raise has no base but this
            if not self._cache.drop():
                raise
            self._build()

    def _build(self) -> None:
        """Make the sessions, and compare them with torch.

        Two graphs cost a few percent more than one, so a motion network, which has no twin to share with, is whole.
        """
        self._encoder: onnxruntime.InferenceSession | None = None
        if self.model.splits and self.model.entry.task == "colour":
            image = torch.from_numpy(self._probe)
            encoder = self._cache.get("encoder", lambda: export(EncoderGraph(self.model), [image], [_IMAGE]))
            self._encoder = session(encoder.SerializeToString())
            self._head_graph = self._cache.get("head", self._export_head)
        else:
            self._head_graph = self._whole_graph
        self._head = self._head_of(self._head_graph)
        encoded = self.encode(self._probe)
        with torch.no_grad():
            self._verify(self._head, encoded, self.model(as_batch(torch.from_numpy(self._probe))))

    def _export_head(self) -> onnx.ModelProto:
        with torch.no_grad():
            features = EncoderGraph(self.model)(torch.from_numpy(self._probe))
        names = [f"feature{index}" for index in range(len(features))]
        return export(HeadGraph(self.model), features, names)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that it serves."""
        return self._size

    @property
    def adaptable(self) -> bool:
        """Whether its twin can be retrained."""
        return self.model.entry.adaptable

    @property
    def head(self) -> Head:
        """The original network's head."""
        return self._head

    def encode(self, image: Image) -> Encoded:
        """Return the features of one (h, w, 3) uint8 RGB image."""
        value = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(image))
        features = self._encoder.run_with_ort_values(None, {_IMAGE: value}) if self._encoder else ()
        return Encoded(value, tuple(features))

    def twin_head(self, state: Mapping[str, Tensor]) -> Head:
        """Return a head with a twin's weights; see `ServedNetwork.twin_head`."""
        shares_encoder = self._encoder is not None and all(name.startswith("decoder.") for name in state)
        head = self._head_of(patch(self._head_graph if shares_encoder else self._whole_graph, state, _PREFIX))
        twin = deepcopy(self.model)
        twin.network.load_state_dict({**self.model.network.state_dict(), **state})
        encoded = self.encode(self._probe)
        with torch.no_grad():
            if shares_encoder:  # which was found equal to torch when it was made
                features = [torch.from_numpy(feature.numpy()) for feature in encoded.features]
                expected = twin.decode(features, self._size)
            else:
                expected = twin(as_batch(torch.from_numpy(self._probe)))
        self._verify(head, encoded, expected)
        return head

    @property
    def _whole_graph(self) -> onnx.ModelProto:
        image = torch.from_numpy(self._probe)
        return self._cache.get("whole", lambda: export(WholeGraph(self.model), [image], [_IMAGE]))

    def _head_of(self, graph: onnx.ModelProto) -> OnnxHead:
        return OnnxHead(graph, self.model.entry, self._size)

    def _verify(self, head: Head, encoded: Encoded, expected: Tensor) -> None:
        """Run the head once, which also warms it up, and compare it with torch's (1, 1, h, w) map."""
        difference = float(np.abs(head(encoded) - expected[0, 0].numpy()).max())
        if not difference <= PARITY:
            message = f"the serving graph of '{self.model.entry.name}' differs from torch by {difference:.2g} saliency"
            raise ExportError(message)


def session(graph: bytes | str) -> onnxruntime.InferenceSession:
    """Return a session of a graph, or of the file that it is in, on one thread that never spins."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
