"""Sequences whose items are made, or read, each time that they are asked for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class MadeWhenAsked(Sequence[T_co], ABC):
    """A sequence by its length and by how item `index`, at least 0 and below the length, is made."""

    @abstractmethod
    def make(self, index: int) -> T_co:
        """Return item `index`."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        """Make one item, or those of a slice.

        Raises:
            IndexError: there is no such item.
        """
        found = range(len(self))[index]
        return [self.make(one) for one in found] if isinstance(found, range) else self.make(found)
