"""How a process of a benchmark learns that it is to end: its standard input does, also when its parent is killed."""

import asyncio
import sys
import threading


def ended_input() -> asyncio.Event:
    """Return an event of the running loop that is set at the end of standard input."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        sys.stdin.buffer.read()
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="end of input", daemon=True).start()
    return ended
