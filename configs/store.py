"""Settings that change while livesal runs, and where the changes are kept: the configuration file, or memory."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from configs.edit import with_camera
from configs.errors import ConfigError, NotKeptError, PinnedError
from configs.settings import Settings, build_settings, environment, merge
from configs.yaml_file import REFERENCE, parse_yaml, read_text, resolve

_HIDDEN: Final = "***"
_FREE: Final = "CAMERA_"


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one camera that was found possible.

    Attributes:
        settings: of everything, once the change is made.
        content: what `ConfigStore.commit` keeps.
    """

    settings: Settings
    content: Any


class ConfigStore(Protocol):
    """Where settings come from and go to. The methods of a file's block: call them in a thread."""

    @property
    def path(self) -> Path | None:
        """The configuration file; None where a restart forgets every change."""
        ...

    def reload(self) -> Settings:
        """Return the settings as they are written now.

        Raises:
            ConfigError: they cannot be used.
        """
        ...

    def written(self, name: str) -> dict[str, Any]:
        """Return what is written of a camera, `${NAME}` included; nothing if that is nothing."""
        ...

    def differs(self) -> bool:
        """Return whether somebody else has changed what is written, and is done with it."""
        ...

    def plan(self, name: str, camera: Mapping[str, Any] | None) -> Plan:
        """Return what it would be to have `camera` written of the camera `name`; None takes it out.

        Raises:
            ConfigError: that cannot be used.
        """
        ...

    def commit(self, plan: Plan) -> None:
        """Keep what was planned.

        Raises:
            NotKeptError: it cannot be written; nothing has changed.
        """
        ...


class MemoryStore:
    """Keeps changes until livesal ends."""

    path = None

    def __init__(self, settings: Settings) -> None:
        """Begin with `settings`."""
        self._content: dict[str, Any] = settings.model_dump(exclude_unset=True)

    def reload(self) -> Settings:
        """Return the settings; see `ConfigStore`."""
        return build_settings(resolve(self._content, "settings"), {}, "settings")

    def written(self, name: str) -> dict[str, Any]:
        """Return what is known of a camera; see `ConfigStore`."""
        return dict(self._content.get("cameras", {}).get(name, {}))

    def differs(self) -> bool:
        """Return False: nobody else can change it."""
        return False

    def plan(self, name: str, camera: Mapping[str, Any] | None) -> Plan:
        """Return what a change would be; see `ConfigStore`."""
        cameras = {**self._content.get("cameras", {}), name: camera}
        if camera is None:
            del cameras[name]
        else:
            check_texts(camera, self._content.get("cameras"))
        content = {**self._content, "cameras": cameras}
        return Plan(build_settings(resolve(content, "settings"), {}, "settings"), content)

    def commit(self, plan: Plan) -> None:
        """Keep what was planned."""
        self._content = plan.content


class FileStore:
    """Keeps changes in the configuration file, which its owner may change meanwhile.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, overrides: Mapping[str, Any] | None = None) -> None:
        """Take `path` for the file, and the environment and `overrides` (the command line's) to come before it.

        Raises:
            ConfigError: the environment cannot be read.
        """
        self.path = path
        self._overlay = merge(environment(), overrides or {})
        self._known: str | None = None
        self._seen: str | None = None

    def reload(self) -> Settings:
        """Return the settings as they are written now; see `ConfigStore`."""
        self._known = None
        self._known = read_text(self.path)
        return self._settings(self._known)

    def differs(self) -> bool:
        """Return whether somebody else has changed the file, and is done with it: two calls found the same."""
        try:
            found = read_text(self.path)
        except ConfigError:
            found = None
        settled, self._seen = found == self._seen, found
        return settled and found != self._known

    def written(self, name: str) -> dict[str, Any]:
        """Return what is written of a camera; see `ConfigStore`."""
        return _section(_section(parse_yaml(read_text(self.path), str(self.path)), "cameras"), name)

    def plan(self, name: str, camera: Mapping[str, Any] | None) -> Plan:
        """Return what a change would be; see `ConfigStore`.

        Raises:
            PinnedError: the command line or the environment has the last word on it.
        """
        text, origin = read_text(self.path), str(self.path)
        before = _section(parse_yaml(text, origin), "cameras")
        self._refuse_pinned(name, _section(before, name), camera)
        if camera is not None:
            check_texts(camera, before)
        if camera is not None or name in before:
            text = with_camera(text, name, camera, origin)
        return Plan(self._settings(text), text)

    def commit(self, plan: Plan) -> None:
        """Write what was planned, all or nothing; see `ConfigStore`."""
        write_atomically(self.path, plan.content)
        self._known = plan.content

    def _settings(self, text: str) -> Settings:
        origin = str(self.path)
        settings = build_settings(resolve(parse_yaml(text, origin), origin), self._overlay, origin)
        if "cameras" not in settings.model_fields_set:
            message = f"{origin}: names no camera; add one, such as 'cameras: {{door: {{url: rtsp://…}}}}'"
            raise ConfigError(message)
        return settings

    def _refuse_pinned(self, name: str, before: Mapping[str, Any], camera: Mapping[str, Any] | None) -> None:
        pinned = _section(_section(self._overlay, "cameras"), name)
        touched = pinned if camera is None else [key for key in pinned if camera.get(key) != before.get(key)]
        if touched:
            keys = ", ".join(f"cameras.{name}.{key}" for key in touched)
            message = f"{keys}: set on the command line or by a LIVESAL_… variable, which come first; change it there"
            raise PinnedError(message)


def check_texts(camera: Mapping[str, Any], cameras: Mapping[str, Any] | None) -> None:
    """Refuse what a camera's section that comes from outside must not say.

    Whoever may change cameras is not thereby to read every variable of the environment: `${NAME}` is for names that
    begin with `CAMERA_`, and for those that the cameras use already.

    Raises:
        ConfigError: `***` in place of credentials, or a variable that is not for cameras.
    """
    known = {name for text in _texts(cameras or {}) for name in REFERENCE.findall(text)}
    for text in _texts(camera):
        if _HIDDEN in text:
            message = "*** stands for what an answer hides and cannot be set; leave the key out (PATCH) to keep it"
            raise ConfigError(message)
        for name in REFERENCE.findall(text):
            if not (name.startswith(_FREE) or name in known):
                message = f"${{{name}}}: only variables whose name begins with {_FREE} can be used from outside"
                raise ConfigError(message)


def write_atomically(path: Path, text: str) -> None:
    """Write `text` in place of what the file at `path` holds; whatever happens, it holds the one or the other.

    Raises:
        NotKeptError: that is not possible.
    """
    target = path.resolve()
    fresh: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", suffix=".tmp", delete=False
        ) as file:
            fresh = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError as error:
        if fresh is not None:
            with suppress(OSError):
                fresh.unlink()
        message = (
            f"{path}: the change cannot be written ({error.strerror}) and was not made; "
            "livesal needs to write the file and its folder (mount the folder into a container, not the file alone)"
        )
        raise NotKeptError(message) from None


def _section(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return dict(found) if isinstance(found, Mapping) else {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
