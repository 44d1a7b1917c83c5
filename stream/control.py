"""What the HTTP edge asks of the configuration behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from configs.source import SourceSettings

ConfigResult = Literal["applied", "unchanged", "refused"]
"""Whether what was found is in force, was so before, or was refused such that the old one stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport:
    """What became of the configuration when it was last looked at.

    Attributes:
        file: that changes are kept in; None = in memory, where a restart forgets them.
        result: of that look.
        time: unix time of that.
        in_force_since: unix time at which the configuration in force was taken.
        error: why it was refused; empty if it was not.
        needs_restart: keys whose new value waits for a restart.
    """

    file: str | None
    result: ConfigResult
    time: float
    in_force_since: float
    error: str = ""
    needs_restart: tuple[str, ...] = ()


class CameraControl(Protocol):
    """The cameras' settings, as HTTP sees them: each change is kept first, then made.

    All methods raise `ConfigError` for what cannot be, and `UnknownNameError` for a camera that is not there.
    """

    def report(self) -> ConfigReport:
        """Return what became of the configuration when it was last looked at."""
        ...

    def camera_settings(self, name: str) -> SourceSettings:
        """Return the settings of one camera that are in force."""
        ...

    async def add_camera(self, name: str, section: Mapping[str, Any]) -> SourceSettings:
        """Add a camera; `section` is as it would stand in YAML.

        Raises:
            CameraExistsError: it is there already.
        """
        ...

    async def replace_camera(self, name: str, section: Mapping[str, Any]) -> SourceSettings:
        """Give a camera other settings in place of all of its own."""
        ...

    async def patch_camera(self, name: str, patch: Mapping[str, Any]) -> SourceSettings:
        """Change a camera's settings by a JSON merge patch."""
        ...

    async def remove_camera(self, name: str) -> None:
        """Take a camera out."""
        ...

    async def reload(self) -> ConfigReport:
        """Read the configuration again and make what changed in it."""
        ...
