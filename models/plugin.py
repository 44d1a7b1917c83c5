"""A network from a file of the user's own: `path/to/file.py:build`, run because they name it."""

import importlib.util
import sys
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from models.errors import PluginError
from models.registry import SaliencyEntry


def read_plugin(spec: str) -> SaliencyEntry:
    """Return the entry that the function named in `spec` makes; weights that lie beside the file are taken from there.

    The file is run once a process. Its folder can be imported from.

    Raises:
        PluginError: no such file or function, it fails, or it makes something else.
    """
    file, _, function = spec.rpartition(":")
    path = Path(file).expanduser().resolve()
    build = getattr(_module(path), function, None)
    if not callable(build):
        message = f"{path} has no function '{function}': name one that returns a SaliencyEntry, as in {path.name}:build"
        raise PluginError(message)
    try:
        entry = build()
    except Exception as error:
        raise PluginError(_failure(f"{path}: {function}()", error)) from error
    if not isinstance(entry, SaliencyEntry):
        message = f"{path}: {function}() returned a {type(entry).__name__}, not a models.registry.SaliencyEntry"
        raise PluginError(message)
    beside = path.parent / entry.checkpoint.file
    return replace(entry, checkpoint=replace(entry.checkpoint, file=str(beside))) if beside.is_file() else entry


@cache
def _module(path: Path) -> ModuleType:
    """Return the file at `path`, run as a module."""
    name = f"livesal_plugin_{sha256(str(path).encode()).hexdigest()[:12]}"
    found = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or found is None or found.loader is None:
        message = f"{path}: no such Python file"
        raise PluginError(message)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(_failure(str(path), error)) from error
    return module


def _failure(what: str, error: Exception) -> str:
    return f"{what} failed: {type(error).__name__}: {error}"
