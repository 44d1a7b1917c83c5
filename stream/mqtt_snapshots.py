"""Pictures for MQTT: taken in a thread, one camera after the other."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


async def take_snapshots(
    snapshot: Callable[[str], bytes | None],
    interval: float,
    wanting: Callable[[], Iterable[str]],
    put: Callable[[str, bytes], None],
) -> None:
    """Take a picture of each camera that wants one, every `interval` seconds, until cancelled.

    Args:
        snapshot: gives a camera's picture as JPEG, or None; called in a thread. What it raises is logged.
        interval: seconds.
        wanting: the cameras to take a picture of now.
        put: told of each picture.
    """
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1, thread_name_prefix="mqtt-snapshot")
    try:
        while True:
            await asyncio.sleep(interval)
            for camera in wanting():
                jpeg = await loop.run_in_executor(executor, _tried, snapshot, camera)
                if jpeg:
                    put(camera, jpeg)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _tried(snapshot: Callable[[str], bytes | None], camera: str) -> bytes | None:
    try:
        return snapshot(camera)
    except Exception:  # noqa: BLE001 - whatever it was, a missing picture must not cost the connection
        _log.warning("no snapshot of camera '%s'", camera, exc_info=True)
        return None
