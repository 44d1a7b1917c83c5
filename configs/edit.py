"""Changes to a configuration file's text, which leave the rest of it as its owner wrote it: comments, order, quotes."""

import io
from collections.abc import Mapping, MutableMapping
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from configs.errors import ConfigError
from configs.yaml_file import parse_yaml


def with_camera(text: str, name: str, camera: Mapping[str, Any] | None, origin: str) -> str:
    """Return the YAML `text` with `camera` as what it says of the camera `name`; None takes the camera out.

    Args:
        text: of the file.
        name: of the camera.
        camera: the camera's section as it is to be written, `${NAME}` included.
        origin: how messages call the file.

    Raises:
        ConfigError: it is no valid YAML, or is written such that the change would alter something else as well.
    """
    before = parse_yaml(text, origin)
    cameras = dict(before.get("cameras") or {})
    if camera is None:
        del cameras[name]
    else:
        cameras[name] = dict(camera)
    changed = _edited(text, name, camera, origin)
    if parse_yaml(changed, origin) != {**before, "cameras": cameras}:
        message = (
            f"{origin}: '{name}' is written such that changing it would change something else "
            "(an anchor or a merge key); change it in the file by hand, livesal sees it"
        )
        raise ConfigError(message)
    return changed


def merge_patch(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `target` changed by a JSON merge patch (RFC 7396): mappings key by key, null takes a key away."""
    merged = dict(target)
    for key, value in patch.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge_patch(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def _edited(text: str, name: str, camera: Mapping[str, Any] | None, origin: str) -> str:
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 4096
    try:
        document, indent, offset = load_yaml_guess_indent(text, yaml=writer)
        if indent is not None:
            writer.indent(sequence=indent, offset=offset or 0)
        document = CommentedMap() if document is None else document
        if not document.get("cameras"):
            document["cameras"] = CommentedMap()
        cameras = document["cameras"]
        if camera is None:
            _take_out(cameras, name)
        elif name in cameras:
            _lay(cameras[name], camera)
        else:
            cameras[_plain(name)] = _written(camera)
        out = io.StringIO()
        writer.dump(document, out)
    except (YAMLError, KeyError, TypeError, AttributeError) as error:
        message = f"{origin}: cannot be changed by livesal ({type(error).__name__}); change it by hand, livesal sees it"
        raise ConfigError(message) from None
    return out.getvalue()


def _lay(target: MutableMapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Make `target` say what is `wanted`, touching only what differs."""
    for key in [key for key in target if key not in wanted]:
        del target[key]
    for key, value in wanted.items():
        below = target.get(key)
        if isinstance(value, Mapping) and isinstance(below, MutableMapping):
            _lay(below, value)
        elif key not in target or below != value:
            target[_plain(key) if key not in target else key] = _written(value)


def _take_out(cameras: CommentedMap, name: str) -> None:
    """Take a camera out; the comments between it and the next one stay, for they are about the next one."""
    following = _comment_after(cameras[name])
    names = list(cameras)
    after = names[names.index(name) + 1 :]
    del cameras[name]
    if following is not None and after:
        _, _, following.value = following.value.partition("\n")
        if following.value.strip():
            following.column = 0
            cameras.ca.items.setdefault(after[0], [None, None, None, None])[1] = [following]


def _comment_after(node: Any) -> Any:
    """Return ruamel's token of the comments that stand behind the last line of `node`; None if there are none."""
    while isinstance(node, CommentedMap) and node:
        last = next(reversed(node))
        token = node.ca.items.get(last, [None, None, None])[2]
        if token is not None:
            return token
        node = node[last]
    return None


def _written(value: Any) -> Any:
    """Return a value as ruamel writes it, such that PyYAML, which reads the file, understands it the same way."""
    if isinstance(value, Mapping):
        return CommentedMap({_plain(key): _written(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_written(item) for item in value]
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    """Return `text`, in quotes where YAML 1.1 would take it for something else: `on`, `12:30`, `a?b` in braces."""
    try:
        same = yaml.safe_load(text) == text and yaml.safe_load(f"[{text}]") == [text]
    except yaml.YAMLError:
        same = False
    return text if same else DoubleQuotedScalarString(text)
