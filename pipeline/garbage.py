"""What a start makes stays: the garbage collector need not look at it again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def here_to_stay() -> Iterator[None]:
    """Collect no garbage within the block, and look at nothing that exists at its end ever again.

    Importing torch makes half a million objects that stay. The collector would go through all of them several times
    while they are made, which is a fifth of a start, and now and then ever after, in the middle of a frame.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
