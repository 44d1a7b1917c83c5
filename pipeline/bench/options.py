"""What a benchmark is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SIZE: Final = (160, 288)
"""Working size (h, w) of 16:9 video with the default settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """The options that the verbs share; each reads those that it has a use for.

    Attributes:
        source: file or URL instead of the generated scene.
        seconds: how long to measure, for each part; None = as the verb thinks best.
        fps: pictures a second of the generated scene.
        frame: (height, width) of the generated scene in pixels.
        size: (h, w), the working size where networks are measured alone.
        names: of networks, flow methods, or numbers of viewers or cameras.
        changes: settings over all others, nested.
    """

    source: str | None = None
    seconds: float | None = None
    fps: int = 30
    frame: tuple[int, int] = (720, 1280)
    size: tuple[int, int] = SIZE
    names: Sequence[str] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    def lasting(self, default: float) -> float:
        """Return the seconds to measure."""
        return default if self.seconds is None else self.seconds

    def demo(self, *, numbered: bool = False, seconds: float = 0, seed: int = 0) -> str:
        """Return the URL of the generated scene, without cuts, so that a twin has one scene to learn."""
        height, width = self.frame
        return (
            f"demo://?width={width}&height={height}&fps={self.fps}&cuts=0&seed={seed}"
            f"&seconds={seconds:g}&numbered={int(numbered)}"
        )
