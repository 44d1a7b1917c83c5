"""Work on samples by processes beside the training: everything once, before it, or batches as it goes."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from models.errors import TrainingDataError

T = TypeVar("T")

_WAITING: Final = 4
"""Things that each process has ready and nobody has asked for yet."""


class _Numbered(Dataset[T | TrainingDataError]):
    """What a function makes of each number, or why it cannot: raised in a process, that would become a traceback."""

    def __init__(self, make: Callable[[int], T], end: int) -> None:
        self._make = make
        self._end = end

    def __len__(self) -> int:
        return self._end

    def __getitem__(self, number: int) -> T | TrainingDataError:
        try:
            return self._make(number)
        except TrainingDataError as error:
            return error


def made(make: Callable[[int], T], numbers: range, workers: int) -> Iterator[T]:
    """Yield what `make` makes of each number, in order.

    Args:
        make: called in one of the processes, which are forked and so see everything that is in memory already.
        numbers: what is asked for, in steps of one.
        workers: how many processes; none = it is made here, when it is asked for.

    Raises:
        TrainingDataError: `make` raised it.
    """
    loader: DataLoader[T | TrainingDataError] = DataLoader(
        _Numbered(make, numbers.stop),
        batch_size=None,
        sampler=numbers,
        collate_fn=_as_it_is,
        num_workers=workers,
        prefetch_factor=_WAITING if workers else None,
        multiprocessing_context="fork" if workers else None,
        worker_init_fn=_on_one_core,
        generator=torch.Generator(),  # its own, so that nothing else depends on how many processes there are
    )
    for item in loader:
        if isinstance(item, TrainingDataError):
            raise item
        yield item


def _as_it_is(item: T) -> T:
    return item


def _on_one_core(worker: int) -> None:  # noqa: ARG001 - all are alike
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
