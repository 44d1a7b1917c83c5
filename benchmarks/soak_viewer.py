"""The viewer of the soak benchmark: plays a view by WHEP and says, a JSON line an interval, how many pictures came."""

import asyncio
import json
import signal
import sys
from asyncio import TaskGroup
from urllib.request import Request, urlopen

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription


async def play(url: str, interval: float) -> None:
    """Play what is at the WHEP endpoint `url` until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
    connection.on("track", tracks.set_result)
    connection.addTransceiver("video", "recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    answer = await asyncio.to_thread(_post, url, connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    received = 0

    async def count() -> None:
        nonlocal received
        track = await tracks
        while True:
            await track.recv()
            received += 1

    async with TaskGroup() as tasks:
        counting = tasks.create_task(count(), name="pictures")
        while not stop.is_set():
            try:
                async with asyncio.timeout(interval):
                    await stop.wait()
            except TimeoutError:
                print(json.dumps({"received": received}), flush=True)
        counting.cancel()
    await connection.close()


def _post(url: str, offer: str) -> str:
    request = Request(url, offer.encode(), {"Content-Type": "application/sdp"})  # noqa: S310 - our own service's
    with urlopen(request, timeout=10) as response:  # noqa: S310
        return str(response.read().decode())


if __name__ == "__main__":
    asyncio.run(play(sys.argv[1], float(sys.argv[2])))
