"""`demo://`: the generated scene as a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from stream.burnt_number import burn
from stream.errors import UnsupportedSourceError
from stream.reader import DecodedPicture
from stream.synthetic_scene import SyntheticScene

_BOUNDS: Final = {
    "width": (64, 3840),
    "height": (64, 2160),
    "fps": (1, 240),
    "seed": (0, 2**31),
    "seconds": (0, 10**7),
    "cuts": (0, 10**7),
    "numbered": (0, 1),
}
"""What may follow `demo://?`, with the least and the greatest value."""

_WHOLE: Final = ("width", "height", "seed", "numbered")


@dataclass(frozen=True, slots=True)
class Demo:
    """What a `demo://` URL asks for.

    Attributes:
        width: of the pictures in pixels.
        height: likewise.
        fps: pictures a second.
        seed: another seed is another video.
        seconds: length; 0 = without end.
        cuts: seconds between scene cuts; 0 = none.
        numbered: whether each picture's number is burnt into it (`stream.burnt_number`).
    """

    width: int = 640
    height: int = 360
    fps: Fraction = Fraction(30)
    seed: int = 0
    seconds: Fraction = Fraction(0)
    cuts: Fraction = Fraction(20)
    numbered: int = 0

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `demo://?width=640&height=360&fps=30&seed=0&seconds=60&cuts=20`, all of it optional.

        Raises:
            UnsupportedSourceError: a parameter that does not exist, or a value out of its bounds.
        """
        values: dict[str, int | Fraction] = {}
        for key, text in parse_qsl(urlsplit(url).query, keep_blank_values=True):
            if key not in _BOUNDS:
                message = f"{url}: the demo has no parameter '{key}'; it has {', '.join(_BOUNDS)}"
                raise UnsupportedSourceError(message)
            values[key] = _number(url, key, text)
        return cls(**values)  # type: ignore[arg-type] # the keys are checked, and whole ones are int

    def scene(self) -> SyntheticScene:
        """Return the scene, with its ground truth; picture n of the source is its frame n."""
        return SyntheticScene(self.width, self.height, float(self.fps), self.seed, float(self.cuts))


class SyntheticReader:
    """The pictures of the generated scene."""

    bursts = True
    corrupt = 0
    damage = ""

    def __init__(self, demo: Demo) -> None:
        """Make a reader from the first picture on."""
        self.frame_rate = demo.fps
        self._count = round(demo.seconds * demo.fps) if demo.seconds else None
        self._scene = demo.scene()
        self._numbered = bool(demo.numbered)

    def __iter__(self) -> Iterator[DecodedPicture]:
        """Yield the pictures, for ever if no length was asked for."""
        number = 0
        while self._count is None or number < self._count:
            image = self._scene.frame(number)[0]
            if self._numbered:
                burn(image, number)
            yield DecodedPicture(image, number, 1 / self.frame_rate)
            number += 1

    def close(self) -> None:
        """Nothing is open."""


def _number(url: str, key: str, text: str) -> int | Fraction:
    low, high = _BOUNDS[key]
    try:
        value = int(text) if key in _WHOLE else Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if not low <= value <= high:
        kind = "a whole number" if key in _WHOLE else "a number"
        message = f"{url}: {key}={text} is not {kind} from {low} to {high}"
        raise UnsupportedSourceError(message)
    return value
