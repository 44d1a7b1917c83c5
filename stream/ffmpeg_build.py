"""What the FFmpeg inside PyAV can do: wheels come without some protocols."""

import ctypes
from functools import cache

import av
import av._core


@cache
def protocols() -> frozenset[str]:
    """Return the protocols that it reads from, such as `tcp`, `rtmp` and `udp`.

    PyAV has no name for this, so FFmpeg's own `avio_enum_protocols` is asked, through the extension that links it.
    Empty where that cannot be done.
    """
    try:
        enumerate_protocols = ctypes.CDLL(av._core.__file__).avio_enum_protocols  # noqa: SLF001 - it links libavformat
    except (OSError, AttributeError):
        return frozenset()
    enumerate_protocols.restype = ctypes.c_char_p
    position = ctypes.c_void_p()
    names = set()
    while (name := enumerate_protocols(ctypes.byref(position), 0)) is not None:
        names.add(name.decode())
    return frozenset(names)


def reads_format(name: str) -> bool:
    """Return whether it has the demuxer `name`."""
    return name in av.formats_available
