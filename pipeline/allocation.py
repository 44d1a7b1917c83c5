"""How this process's memory is allocated."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MMAP_MAX: Final = -4
"""glibc's names are M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX."""

_KEPT: Final = 1 << 30


def keep_memory() -> None:
    """Make glibc keep freed memory instead of giving it back: half of torch's time on a CPU is page faults.

    For processes that train; elsewhere than on glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MMAP_THRESHOLD, _KEPT)
    mallopt(_MMAP_MAX, 0)
