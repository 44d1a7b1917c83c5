"""A real RTSP camera: GStreamer's server in a process of its own, to be killed and started again."""

import asyncio
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_SCRIPT = Path(__file__).with_name("gst_rtsp_server.py")
_PYTHON = os.environ.get("LIVESAL_GST_PYTHON", "/usr/bin/python3")


class RtspServer:
    """The server; `kill` and `start` again keep its address."""

    def __init__(self, pipeline: str, path: str, user: str, password: str) -> None:
        self.port = _free_port()
        self.path = path
        self._pipeline = pipeline
        self._login = (user, password)
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Its address, credentials included."""
        user, password = self._login
        login = f"{user}:{password}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{self.port}{self.path}"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            _PYTHON, str(_SCRIPT), str(self.port), self.path, self._pipeline, *self._login, stdout=PIPE, stderr=DEVNULL
        )
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        assert line == f"ready {self.port}\n", (
            f"the RTSP server did not start ({line!r}): are gir1.2-gst-rtsp-server-1.0 and python3-gi installed?"
        )

    async def kill(self) -> None:
        """Kill it without warning, as a camera loses power."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()


def pattern_pipeline(width: int = 320, height: int = 240, rate: int = 25, pattern: str = "ball") -> str:
    """Return a pipeline that sends a moving test pattern as H.264."""
    return (
        f"videotestsrc is-live=true pattern={pattern} ! video/x-raw,width={width},height={height},framerate={rate}/1 "
        f"! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max={max(1, rate // 2)} "
        "! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=1"
    )


@asynccontextmanager
async def rtsp_server(
    pipeline: str | None = None, *, path: str = "/camera", user: str = "", password: str = ""
) -> AsyncIterator[RtspServer]:
    """Run a camera at `server.url`, by default with a test pattern; `user` and `password` make it ask for them."""
    server = RtspServer(pipeline or pattern_pipeline(), path, user, password)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
