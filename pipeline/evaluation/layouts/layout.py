"""What a layout is: where frames and masks of each sequence lie, how they pair, how masks are read, what splits are."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.evaluation.errors import SelectionError
from pipeline.evaluation.ground_truth import GroundTruth, read_mask
from pipeline.evaluation.layouts.pairing import LabelledFrame, pair, pictures

MaskReader = Callable[[Sequence[Path]], GroundTruth]
"""From a frame's mask files to its ground truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sequence lies.

    Attributes:
        name: the sequence's name.
        part: the folder above it that names its split; empty if the layout has none.
        frames: folder of its pictures.
        masks: folder of its ground truth.
    """

    name: str
    part: str
    frames: Path
    masks: Path


FramePairing = Callable[[Place], tuple[LabelledFrame, ...]]
"""From a sequence's place to its frames."""


def pair_folders(place: Place) -> tuple[LabelledFrame, ...]:
    """Pair the pictures of one folder with the masks of another."""
    return pair(pictures(place.frames), pictures(place.masks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Folders of one sequence relative to the top: `{part}` and `{sequence}` stand for names.

    Attributes:
        frames: folder of the pictures, such as `JPEGImages/480p/{sequence}`.
        masks: folder of the ground truth.
    """

    frames: str
    masks: str

    def find(self, top: Path) -> list[Place]:
        """Return the places under `top` that have a folder of frames, sorted by name."""
        pattern = re.sub(r"\{\w+\}", "*", self.frames)
        expression = re.compile(re.escape(self.frames).replace(r"\{", "{").replace(r"\}", "}").format_map(_Groups()))
        places = []
        for folder in sorted(top.glob(pattern)):
            named = expression.fullmatch(folder.relative_to(top).as_posix())
            if named is None or not folder.is_dir():
                continue
            names = {"part": "", **named.groupdict()}
            masks = top / self.masks.format(**names)
            places.append(Place(name=names["sequence"], part=names["part"], frames=folder, masks=masks))
        return places


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one family of data sets lays out its files.

    Attributes:
        name: what `--layout` takes.
        arrangements: tried in turn; the first that finds a sequence is taken.
        lists: text files that name a split's sequences, `{split}` standing for its name.
        frames: pairs the frames of a place with their masks.
        read: reads a frame's ground truth.
        sparse: whether only some frames have ground truth, as published.
        category: whether `{part}` belongs to the sequence's name (CDnet) rather than naming a split.
        source: where the layout is from.
    """

    name: str
    arrangements: tuple[Arrangement, ...]
    lists: tuple[str, ...] = ()
    frames: FramePairing = pair_folders
    read: MaskReader = read_mask
    sparse: bool = False
    category: bool = False
    source: str

    def find(self, top: Path) -> list[Place]:
        """Return the sequences under `top`, sorted by name; none if it is laid out otherwise."""
        return self._arranged(top)[0]

    def unlabelled(self, top: Path) -> list[str]:
        """Return the names of sequences under `top` that have frames, but no folder of ground truth as the others."""
        return [place.name for place in self._arranged(top)[1]]

    def _arranged(self, top: Path) -> tuple[list[Place], list[Place]]:
        """Return the sequences with a folder of ground truth, and those without, of the arrangement that fits."""
        for arrangement in self.arrangements:
            places = arrangement.find(top)
            if self.category:
                places = [
                    Place(name=f"{place.part}/{place.name}", part=place.part, frames=place.frames, masks=place.masks)
                    for place in places
                ]
            places.sort(key=lambda place: place.name)
            labelled = [place for place in places if place.masks.is_dir()]
            labelled = [place for place in labelled if pictures(place.frames) or pictures(place.masks)]
            if labelled:
                return labelled, [place for place in places if not place.masks.is_dir() and pictures(place.frames)]
        return [], []

    def select(self, top: Path, split: str, places: Sequence[Place]) -> tuple[list[Place], list[str]]:
        """Return those of `places` that belong to `split`: by a list file, else by the folder above them.

        Returns:
            The places, and the names in the list that there is no place for.

        Raises:
            SelectionError: no such split; the message says where it was looked for.
        """
        for path in (top / pattern.format(split=split) for pattern in self.lists):
            if path.is_file():
                names = _listed(path)
                missing = sorted(names - {place.name for place in places})
                return [place for place in places if place.name in names], missing
        chosen = [place for place in places if place.part.lower().startswith(split.lower())]
        if chosen:
            return chosen, []
        looked = [pattern.format(split=split) for pattern in self.lists]
        looked += [f"{part}/" for part in sorted({place.part for place in places if place.part})]
        message = f"{top}: layout {self.name} has no split '{split}'; looked for {', '.join(looked) or 'nothing'}"
        raise SelectionError(message)

    def describe(self, most: int = 6) -> str:
        """Return what this layout expects, `most` ways at most, for messages."""
        ways = [f"{arrangement.frames}/ with {arrangement.masks}/" for arrangement in self.arrangements]
        more = f" or {len(ways) - most} other ways" if len(ways) > most else ""
        return f"{self.name}: {' or '.join(ways[:most])}{more}".replace("{", "<").replace("}", ">")


class _Groups(dict[str, str]):
    """Turns each `{name}` of a pattern into a group that matches one folder name."""

    def __missing__(self, name: str) -> str:
        return f"(?P<{name}>[^/]+)"


def _listed(path: Path) -> set[str]:
    """Return the sequences that a list names: a name a line, or (DAVIS) the files of a frame a line."""
    names = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            entry = line.split()[0].lstrip("*")
            names.add(Path(entry).parent.name if "/" in entry else entry)
    return names
