"""Pauses between tries that grow, are jittered, and never end."""

from random import Random

from configs.source import ReconnectSettings


class Backoff:
    """The pauses of one source: each is `factor` times the last, up to the maximum, and jittered."""

    def __init__(self, settings: ReconnectSettings, random: Random) -> None:
        """Make a back-off that starts with the initial pause; `random` gives its jitter."""
        self._settings = settings
        self._random = random
        self._base = settings.initial

    def next(self) -> float:
        """Return the next pause in seconds, within `jitter` of its base."""
        base = self._base
        self._base = min(base * self._settings.factor, self._settings.maximum)
        return base * (1 + self._settings.jitter * self._random.uniform(-1, 1))

    def reset(self) -> None:
        """Start with the initial pause again."""
        self._base = self._settings.initial
