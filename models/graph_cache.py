"""Exported graphs on disk: exporting a network takes a second or two, reading its graph back a few milliseconds.

A graph's key is a hash of all that it follows from: the weights, the size, the code, the versions of the libraries. So
a graph in the cache is never out of date. A damaged one is made anew, and a folder that cannot be used costs time only.
"""

import hashlib
import inspect
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs

from models.saliency_model import SaliencyModel

_log = logging.getLogger("livesal.networks")

_KEPT: Final = 128
"""Graphs in the folder; those that were not used for longest go."""
_LIBRARIES: Final = ("torch", "onnx", "onnxruntime")


def default_folder() -> Path:
    """Return `$LIVESAL_CACHE`, or `livesal` in the user's cache folder."""
    named = os.environ.get("LIVESAL_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "livesal"


class GraphCache:
    """The graphs of one network at one size."""

    def __init__(self, model: SaliencyModel, size: tuple[int, int], folder: Path | None = None) -> None:
        """Find out the network's key; nothing is read yet.

        Args:
            model: with its weights.
            size: (h, w) of the images that it serves.
            folder: of all graphs; by default the user's.
        """
        self._folder = (default_folder() if folder is None else folder) / "graphs"
        self._key = _key(model, size)
        self._read = False

    def get(self, part: str, export: Callable[[], onnx.ModelProto]) -> onnx.ModelProto:
        """Return the graph of a part of the network, from the disk or by `export`, whose result is kept."""
        path = self._path(part)
        try:
            graph = onnx.load_model_from_string(path.read_bytes())
            os.utime(path)
        except FileNotFoundError:
            pass
        except (OSError, DecodeError) as error:
            _log.info("%s cannot be used (%s); the graph is exported anew", path, error)
        else:
            self._read = True
            return graph
        graph = export()
        self._keep(path, graph)
        return graph

    def drop(self) -> bool:
        """Remove this network's graphs; say whether any of them had been read, and may be to blame."""
        with suppress(OSError):
            for path in self._folder.glob(f"{self._key}-*"):
                path.unlink(missing_ok=True)
        read, self._read = self._read, False
        return read

    def _path(self, part: str) -> Path:
        return self._folder / f"{self._key}-{part}.onnx"

    def _keep(self, path: Path, graph: onnx.ModelProto) -> None:
        """Write a graph whole or not at all, and remove what has not been used for longest."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".new-", delete=False) as file:
                try:
                    file.write(graph.SerializeToString())
                    file.flush()
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            graphs = sorted(self._folder.glob("*.onnx"), key=lambda kept: kept.stat().st_mtime)
            for old in graphs[:-_KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            _log.info("%s: graphs cannot be kept there (%s)", self._folder, error)


def _key(model: SaliencyModel, size: tuple[int, int]) -> str:
    digest = hashlib.sha256(f"{model.entry.name} {size} {_code()}".encode())
    with suppress(TypeError, OSError):  # a class made in a shell has no file
        digest.update(Path(inspect.getfile(type(model.network))).read_bytes())
    for name, tensor in model.network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def _code() -> str:
    """Return a hash of what turns weights into a graph: this package, and the libraries by their versions."""
    digest = hashlib.sha256(" ".join(version(library) for library in _LIBRARIES).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
