"""A saliency model by what users write, with its weights in.

u2netp                      a registered network, with the weights of its checkpoint
u2netp=path/to/mine.pth     the same network with other weights
path/to/mine.py:build       a file of the user's own; `build()` returns a SaliencyEntry
path/to/mine.onnx           a graph that is served as it is and cannot be retrained
"""

from pathlib import Path
from typing import Final

from models.checkpoint import load_into, locate, read_state
from models.engine import Servable
from models.errors import PluginError
from models.plugin import read_plugin
from models.registry import SaliencyEntry, saliency_entry
from models.saliency_model import SaliencyModel

_WEIGHTS: Final = (".pth", ".pt", ".tar", ".safetensors", ".bin", ".ckpt", ".caffemodel")


def load_model(spec: str) -> SaliencyModel:
    """Return the network that `spec` asks for, ready to serve and to be retrained.

    Raises:
        UnknownModelError: no network of that name.
        CheckpointError: its weights are missing or do not fit.
        PluginError: a file of the user's own is missing, fails, or is one that can only be served.
    """
    entry, path = _resolve(spec)
    model = SaliencyModel(entry)
    load_into(model.network, read_state(path), str(path))
    return model.eval()


def load_servable(spec: str) -> SaliencyModel | Servable:
    """Return the network that `spec` asks for, which may be one that can only be served.

    Raises:
        UnknownModelError: no network of that name.
        CheckpointError: its weights are missing or do not fit.
        PluginError: a file of the user's own is missing, fails, or is not what livesal can serve.
    """
    if not _is_onnx(spec):
        return load_model(spec)
    from models.onnx_file import OnnxFile  # noqa: PLC0415 - each engine brings its own heavy library

    return OnnxFile(Path(spec).expanduser())


def closer_of(spec: str) -> str | None:
    """Return what should look at larger pictures in the place of `spec`; None where it takes one size only.

    That is the network that its entry names, where it has its own weights; else the network itself.

    Raises:
        UnknownModelError: no network of that name.
    """
    if _is_onnx(spec):
        return None
    if ".py:" in spec or "=" in spec:
        return spec
    return saliency_entry(spec).closer or spec


def files_of(spec: str) -> tuple[Path, ...]:
    """Return the files that the network of `spec` depends on.

    Raises:
        ModelError: as `load_model`; whether they are intact is not looked at.
    """
    if _is_onnx(spec):
        return (Path(spec).expanduser(),)
    path = _resolve(spec)[1]
    return (Path(spec.rpartition(":")[0]).expanduser(), path) if ".py:" in spec else (path,)


def _is_onnx(spec: str) -> bool:
    return spec.endswith(".onnx")


def _resolve(spec: str) -> tuple[SaliencyEntry, Path]:
    """Return the entry of `spec` and the file of its weights."""
    if _is_onnx(spec):
        message = f"{spec} is served as it is: an ONNX graph cannot be retrained"
        raise PluginError(message)
    if ".py:" in spec:
        entry = read_plugin(spec)
        return entry, locate(entry.checkpoint)
    name, given, file = spec.partition("=")
    if not given and name.endswith(".py"):
        message = f"{spec}: say which function makes the network, as in {spec}:build"
        raise PluginError(message)
    if not given and name.endswith(_WEIGHTS):
        message = f"{spec}: say whose weights these are, as in u2netp={spec} (`livesal models` lists the names)"
        raise PluginError(message)
    entry = saliency_entry(name)
    return entry, Path(file).expanduser() if given else locate(entry.checkpoint)
