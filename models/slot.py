"""Where the frame path finds the twin's head, and where a swap puts the next one."""

from dataclasses import dataclass

from models.engine import Head


@dataclass(frozen=True, slots=True)
class Installed:
    """The twin in service: its head, or None while the original serves alone, and its version (0 = none)."""

    head: Head | None
    version: int


class Slot:
    """One reference. A frame reads it once; a swap assigns it; so a swap falls between two frames and drops none."""

    def __init__(self) -> None:
        """Make a slot without a twin."""
        self._installed = Installed(None, 0)
        self._versions = 0

    @property
    def installed(self) -> Installed:
        """The twin in service now."""
        return self._installed

    @property
    def next_version(self) -> int:
        """The version that the next twin will have."""
        return self._versions + 1

    def swap(self, head: Head) -> int:
        """Put a new twin into service and return its version."""
        self._versions += 1
        self._installed = Installed(head, self._versions)
        return self._versions

    def restore(self, installed: Installed) -> None:
        """Put back into service what was there before, under its own version."""
        self._installed = installed

    def clear(self) -> None:
        """Take the twin out of service; versions go on counting."""
        self._installed = Installed(None, 0)
