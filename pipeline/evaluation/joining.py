"""Long streams made of a data set's short sequences: scenes that last, scene cuts, and scenes that come back.

A scene plays one sequence forward and backward until its time is over. The order is drawn from a seed: every sequence
comes once, and after every second new scene an earlier one returns. Nothing is copied: a stream is a list of the data
set's own files.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from pipeline.evaluation.datasets import Dataset, Scene
from pipeline.evaluation.datasets import Sequence as VideoSequence
from pipeline.evaluation.errors import SelectionError
from pipeline.evaluation.layouts.pairing import LabelledFrame

_NEW_PER_RETURN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPlan:
    """How sequences are joined.

    Attributes:
        shortest: seconds that a scene lasts at least; whole ones, so that scenes begin on the second.
        longest: seconds that it lasts at most.
        frame_rate: of the streams, in frames a second.
        streams: that the sequences are dealt out to.
        seed: of order and durations.
    """

    shortest: int
    longest: int
    frame_rate: float = 30.0
    streams: int = 1
    seed: int = 0


def scene_seconds(text: str) -> tuple[int, int]:
    """Return the least and the most seconds of a scene that `text` says: `30`, or `20-60`.

    Raises:
        SelectionError: it says neither.
    """
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    shortest = int(found[1]) if found else 0
    longest = int(found[2] or found[1]) if found else 0
    if not 1 <= shortest <= longest:
        message = f"--join takes the whole seconds that a scene lasts, such as 30 or 20-60, not '{text}'"
        raise SelectionError(message)
    return shortest, longest


def join(dataset: Dataset, plan: JoinPlan) -> Dataset:
    """Return `dataset` with its sequences joined into streams, `stream-1` and so on.

    Raises:
        SelectionError: there are fewer sequences with pictures than streams.
    """
    usable = [sequence for sequence in dataset.sequences if any(frame.image for frame in sequence.frames)]
    if len(usable) < plan.streams:
        message = f"{plan.streams} streams cannot be made of {len(usable)} sequences: choose fewer with --streams"
        raise SelectionError(message)
    rng = np.random.default_rng(plan.seed)
    shuffled = [usable[index] for index in rng.permutation(len(usable))]
    streams = [
        _stream(f"stream-{number + 1}", shuffled[number :: plan.streams], plan, rng) for number in range(plan.streams)
    ]
    return replace(dataset, sequences=tuple(streams))


def _stream(name: str, sequences: Sequence[VideoSequence], plan: JoinPlan, rng: np.random.Generator) -> VideoSequence:
    frames: list[LabelledFrame] = []
    scenes: list[Scene] = []
    start = 0
    for sequence, visit in _visits(sequences, rng):
        seconds = int(rng.integers(plan.shortest, plan.longest, endpoint=True))
        scenes.append(Scene(sequence=sequence.name, start=start, seconds=seconds, visit=visit))
        start += seconds
        wanted = round(start * plan.frame_rate) - len(frames)
        played = islice(_to_and_fro(sequence.frames), wanted)
        label = sequence.name.replace("/", "--")
        frames += [
            LabelledFrame(f"{index:06}-{label}-{frame.name}", frame.image, frame.masks)
            for index, frame in enumerate(played, len(frames))
        ]
    first = sequences[0]
    return VideoSequence(name=name, frames=tuple(frames), read=first.read, sparse=first.sparse, scenes=tuple(scenes))


def _visits(sequences: Sequence[VideoSequence], rng: np.random.Generator) -> Iterator[tuple[VideoSequence, int]]:
    """Go through the sequences in order, with returns of earlier ones in between; count each one's visits."""
    visits = dict.fromkeys((sequence.name for sequence in sequences), 0)
    for index, sequence in enumerate(sequences):
        visits[sequence.name] += 1
        yield sequence, visits[sequence.name]
        if index and index % _NEW_PER_RETURN == 1:
            back = sequences[int(rng.integers(index))]  # any but the one just seen
            visits[back.name] += 1
            yield back, visits[back.name]


def _to_and_fro(frames: Sequence[LabelledFrame]) -> Iterator[LabelledFrame]:
    """Play `frames` forward and backward for ever; the frames at both ends are not shown twice in a row."""
    while True:
        yield from frames
        yield from frames[-2:0:-1]
