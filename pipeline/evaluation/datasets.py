"""Labelled video data sets: sequences of frames with ground truth, found on disk by their published layout."""

import hashlib
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.evaluation.errors import LayoutError, SelectionError
from pipeline.evaluation.ground_truth import GroundTruth
from pipeline.evaluation.layouts.layout import MaskReader
from pipeline.evaluation.layouts.names import layout_named, layout_names
from pipeline.evaluation.layouts.pairing import LabelledFrame
from pipeline.evaluation.problems import Problem

AUTO: Final = "auto"
"""The layout that stands for whichever fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A stretch of a joined stream.

    Attributes:
        sequence: that it shows.
        start: second of the stream at which it begins.
        seconds: that it lasts.
        visit: how many times its sequence has been shown by then, this time included.
    """

    sequence: str
    start: int
    seconds: int
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A video with ground truth.

    Attributes:
        name: its name in the data set.
        frames: in order; some may be missing, or have no ground truth.
        read: turns a frame's mask files into its ground truth.
        sparse: whether frames without ground truth are as the data set was published.
        scenes: what it is joined of; empty for a sequence as it was published.
    """

    name: str
    frames: tuple[LabelledFrame, ...]
    read: MaskReader
    sparse: bool
    scenes: tuple[Scene, ...] = ()

    @property
    def labelled(self) -> tuple[LabelledFrame, ...]:
        """The frames that have a ground truth."""
        return tuple(frame for frame in self.frames if frame.masks)

    @property
    def inputs(self) -> str:
        """Digest of its files' paths, sizes and times, in order: it changes when the sequence does."""
        digest = hashlib.sha256()
        for frame in self.frames:
            for path in (frame.image, *frame.masks):
                digest.update(f"{frame.name} {_facts(path)}\n".encode())
        return digest.hexdigest()

    def ground_truth(self, frame: LabelledFrame) -> GroundTruth:
        """Read the ground truth of a labelled frame.

        Raises:
            UnreadableImageError: a mask file is no intact image.
            ValueError: the masks of one frame differ in size.
        """
        return self.read(frame.masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A labelled data set, or a part of one.

    Attributes:
        name: the name of its folder.
        layout: the name of its layout.
        split: the part that was asked for; None for all of it.
        sequences: sorted by name.
        absent: sequences that should be there: the split's list names them, or they have frames but no ground truth.
    """

    name: str
    layout: str
    split: str | None
    sequences: tuple[Sequence, ...]
    absent: tuple[str, ...] = ()

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the set as a whole."""
        detail = "its folder of frames or its folder of ground truth is not there"
        return [Problem(name, "missing sequence", "all frames", detail) for name in self.absent]


def open_dataset(
    folder: Path, layout: str = AUTO, split: str | None = None, sequences: SequenceOf[str] = ()
) -> Dataset:
    """Find the sequences of the data set in `folder`; no picture is read yet.

    Args:
        folder: the data set's top folder.
        layout: a layout's name, or `auto`.
        split: part of the data set to take, as the data set itself names it.
        sequences: names of sequences to take; all of the split if there are none.

    Raises:
        LayoutError: no such folder, or not the layout that was asked for; the message says what was expected and
            found.
        SelectionError: no such layout, split or sequence.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder; give the top folder of a data set"
        raise LayoutError(message)
    chosen = [layout_named(layout)] if layout != AUTO else [layout_named(name) for name in layout_names()]
    fitting = next((candidate for candidate in chosen if candidate.find(folder)), None)
    if fitting is None:
        expected = chosen[0].describe()
        if len(chosen) > 1:
            expected = "one of these:\n" + "".join(f"  {candidate.describe(1)}\n" for candidate in chosen)
        message = f"{folder}: expected {expected}; found {_contents(folder)}. Choose another --layout or folder"
        raise LayoutError(message)
    found = fitting.find(folder)
    absent = fitting.unlabelled(folder)
    if split is not None:
        found, absent = fitting.select(folder, split, found)
    wanted = set(sequences) or {place.name for place in found}
    unknown = wanted - {place.name for place in found}
    if unknown:
        names = ", ".join(place.name for place in found)
        message = f"{folder}: has no sequence {', '.join(sorted(unknown))}; it has {names}"
        raise SelectionError(message)
    return Dataset(
        name=folder.resolve().name,
        layout=fitting.name,
        split=split,
        sequences=tuple(
            Sequence(name=place.name, frames=fitting.frames(place), read=fitting.read, sparse=fitting.sparse)
            for place in found
            if place.name in wanted
        ),
        absent=tuple(name for name in absent if not sequences),
    )


def _facts(path: Path | None) -> str:
    """Return what tells one version of a file from another; a file that is gone is a version too."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        found = None
    return f"{path} {found.st_size} {found.st_mtime_ns}" if found else f"{path}"


def _contents(folder: Path) -> str:
    """Return the first few entries of a folder, for a message."""
    entries = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in folder.iterdir())
    return ", ".join(entries[:8]) + (", …" if len(entries) > 8 else "") if entries else "an empty folder"
