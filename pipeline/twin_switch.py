"""Puts twins into the slot and takes them out, and keeps at hand what a roll-back returns to."""

from dataclasses import dataclass

from models.engine import Head
from models.slot import Installed, Slot
from pipeline.library import Twin


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A twin with its head, in service or ready to be."""

    installed: Installed
    twin: Twin


class TwinSwitch:
    """The slot of one camera, and the twins that may be in it."""

    def __init__(self, slot: Slot) -> None:
        """Begin with the original in service."""
        self._slot = slot
        self._held: dict[int, _Held] = {}

    @property
    def twin(self) -> Twin | None:
        """The twin in service; None while the original serves alone."""
        held = self._held.get(self._slot.installed.version)
        return held.twin if held is not None else None

    @property
    def version(self) -> int:
        """Version of the twin in service; 0 = the original."""
        return self._slot.installed.version

    @property
    def next_version(self) -> int:
        """Version that the next twin will have."""
        return self._slot.next_version

    def install(self, twin: Twin, head: Head, fallback: int) -> int:
        """Put a twin into service, keep the one of version `fallback` for a roll-back, and return the new version."""
        version = self._slot.swap(head)
        self._held[version] = _Held(self._slot.installed, twin)
        self._keep(version, fallback)
        return version

    def confirm(self) -> None:
        """Keep nothing for a roll-back any more."""
        self._keep(self.version)

    def roll_back(self, version: int) -> None:
        """Put `version` back into service; the one that is there is gone for good. 0 = the original."""
        if version:
            self._slot.restore(self._held[version].installed)
        else:
            self._slot.clear()
        self._keep(version)

    def clear(self) -> None:
        """Put the original back into service, and keep nothing."""
        self.roll_back(0)

    def _keep(self, *versions: int) -> None:
        self._held = {version: held for version, held in self._held.items() if version in versions}
