"""What systemd hears of the service: that it is ready, alive, stopping. Nothing where systemd did not start it."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final, Self

from sdnotify import SystemdNotifier

_log = logging.getLogger("livesal.service")

HUNG: Final = 30.0
"""Seconds after which a frame that is still being analysed hangs for good: the service counts as dead then."""
_INTERVAL: Final = 1.0
"""Longest pause between two signs of life, seconds."""


class Systemd:
    """The socket at `$NOTIFY_SOCKET`, where there is one."""

    def __init__(self) -> None:
        """Prepare; it is connected with `with`."""
        self._notifier: SystemdNotifier | None = None

    def __enter__(self) -> Self:
        self._notifier = SystemdNotifier() if "NOTIFY_SOCKET" in os.environ else None
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.settimeout(0)  # a systemd that does not listen must not hold up the event loop
        return self

    def __exit__(self, *_: object) -> None:
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()
        self._notifier = None

    def tell(self, state: str) -> None:
        """Send a state such as `READY=1`."""
        if self._notifier is not None:
            self._notifier.notify(state)


async def beat(systemd: Systemd, longest: Callable[[], float], hung: float = HUNG) -> None:
    """Tell that the service lives, for ever: as long as the event loop turns and no frame hangs.

    Args:
        systemd: who is told.
        longest: says for how many seconds the oldest frame has been under way.
        hung: seconds from which that is too long.
    """
    beating = True
    while True:
        lives = longest() < hung
        if lives:
            systemd.tell("WATCHDOG=1")
        if lives is not beating:
            beating = lives
            if lives:
                _log.warning("frames are analysed again")
            else:
                _log.error("a frame has been under way for %g s: its analysis hangs", hung)
        await asyncio.sleep(interval())


def interval() -> float:
    """Return the seconds between two signs of life: a third of what systemd waits, at most a second."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return min(_INTERVAL, int(microseconds) / 3e6) if microseconds.isdigit() else _INTERVAL
