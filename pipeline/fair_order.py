"""Whose turn is next: start-time fair queueing, as a value. No clock, no task, no thread.

Goyal, Vin, Cheng: "Start-time Fair Queuing" (SIGCOMM 1996). Each name has a tag, the virtual time at which what it got
so far is paid off; a turn costs its length over the name's weight. The waiting name whose tag is lowest is next. One
that comes back after a pause begins at the present: what it did not use is not saved up, so it cannot keep others
waiting later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class FairOrder:
    """Who waits, and what everybody has had.

    Attributes:
        now: virtual time: the tag that the last turn began with.
        paid: virtual time at which each name's turns so far are paid off; who is not ahead of `now` is left out.
        waiting: virtual time at which each name that waits asked, in the order in which they did.
    """

    now: float = 0.0
    paid: Mapping[str, float] = field(default_factory=dict)
    waiting: Mapping[str, float] = field(default_factory=dict)

    def asked(self, name: str) -> "FairOrder":
        """Return the order after `name` has asked for a turn; asking again while it waits changes nothing."""
        return self if name in self.waiting else replace(self, waiting={**self.waiting, name: self.now})

    def withdrawn(self, name: str) -> "FairOrder":
        """Return the order after `name` has given up waiting."""
        return replace(self, waiting=_without(self.waiting, name))

    @property
    def next(self) -> str | None:
        """The name whose turn is next: the lowest tag, of equal ones the one that asked first; None if nobody waits."""
        return min(self.waiting, key=self._tag, default=None)

    def begun(self, name: str) -> "FairOrder":
        """Return the order after the turn of `name`, which was waiting, has begun."""
        tag = self._tag(name)
        now = max(self.now, tag)
        paid = {other: ahead for other, ahead in self.paid.items() if ahead > now or other in self.waiting}
        return FairOrder(now, {**paid, name: tag}, _without(self.waiting, name))

    def charged(self, name: str, cost: float, weight: float = 1.0) -> "FairOrder":
        """Return the order after a turn of `name` has cost `cost`, which counts the less the greater its weight."""
        return replace(self, paid={**self.paid, name: self.paid.get(name, self.now) + cost / weight})

    def _tag(self, name: str) -> float:
        """Return when what `name` has had is paid off, at the earliest when it asked."""
        return max(self.waiting[name], self.paid.get(name, 0.0))


def _without(tags: Mapping[str, float], name: str) -> Mapping[str, float]:
    return {other: tag for other, tag in tags.items() if other != name}
