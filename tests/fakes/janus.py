"""A real SFU: Janus, Debian's WHIP server in front of it, and a viewer that Janus serves."""

import asyncio
import json
import os
import secrets
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from tests.fakes.free_port import free_port
from tests.fakes.npm_clients import NODE, npm_clients

ROOM = 1
_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
_UNUSED_PLUGINS = "audiobridge duktape echotest lua nosip recordplay sip streaming textroom videocall voicemail"
_UNUSED_TRANSPORTS = "mqtt nanomsg pfunix rabbitmq"


class Janus:
    """The running SFU.

    Attributes:
        whip: URL of its WHIP endpoint.
    """

    def __init__(self, whip: str, api: httpx.AsyncClient) -> None:
        self.whip = whip
        self._api = api
        self._room = ""

    async def publishers(self) -> list[int]:
        """Return who publishes in the room."""
        answer = await self._ask("", {"request": "listparticipants", "room": ROOM})
        return [one["id"] for one in answer["plugindata"]["data"]["participants"] if one["publisher"]]

    async def frame(self, publisher: int) -> VideoFrame:
        """Return the first frame that Janus sends to a viewer of a publisher."""
        session = await self._create()
        feeds = [{"feed": publisher}]
        await self._ask(session, {"request": "join", "room": ROOM, "ptype": "subscriber", "streams": feeds})
        offer = (await self._event(session))["jsep"]
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        connection.on("track", track.set_result)
        try:
            await connection.setRemoteDescription(RTCSessionDescription(**offer))
            await connection.setLocalDescription()
            answer = {"type": "answer", "sdp": connection.localDescription.sdp}
            await self._ask(session, {"request": "start"}, answer)
            received = await (await track).recv()
        finally:
            await connection.close()
        assert isinstance(received, VideoFrame)
        return received

    async def _create(self) -> str:
        """Return the path of a new handle of the video room."""
        session = (await self._post("", {"janus": "create"}))["data"]["id"]
        handle = (await self._post(f"/{session}", {"janus": "attach", "plugin": "janus.plugin.videoroom"}))["data"][
            "id"
        ]
        return f"/{session}/{handle}"

    async def _ask(self, handle: str, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        self._room = handle or self._room or await self._create()
        message = {"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})}
        return await self._post(handle or self._room, message)

    async def _event(self, handle: str) -> dict[str, Any]:
        """Return the next event of a handle's session."""
        session = handle.rpartition("/")[0]
        while True:
            event: dict[str, Any] = (await self._api.get(session)).json()
            if event["janus"] == "event":
                return event

    async def _post(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = (
            await self._api.post(path, json={**message, "transaction": secrets.token_hex(4)})
        ).json()
        assert answer["janus"] != "error", answer
        return answer


@asynccontextmanager
async def janus(folder: Path, token: str) -> AsyncIterator[Janus]:
    """Run Janus and its WHIP server on free ports of 127.0.0.1, with the WHIP endpoint `livesal`."""
    http, websockets, whip = (free_port() for _ in range(3))
    await asyncio.to_thread(_configure, folder, http, websockets, whip)
    async with AsyncExitStack() as stack:
        base = f"http://127.0.0.1:{whip}/whip"
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}/janus", timeout=40))
        await _run(stack, folder / "janus.log", "janus", "-F", str(folder))
        await _answering(api, "/info", folder / "janus.log")
        environment = {**os.environ, "NODE_PATH": str(npm_clients() / "node_modules")}
        log = folder / "whip.log"
        await _run(stack, log, str(NODE), str(folder / "src" / "server.js"), environment=environment)
        await _answering(api, f"{base}/healthcheck", log)
        created = await api.post(f"{base}/create", json={"id": "livesal", "room": ROOM, "token": token})
        created.raise_for_status()
        yield Janus(f"{base}/endpoint/livesal", api)


def _configure(folder: Path, http: int, websockets: int, whip: int) -> None:
    def unused(names: str) -> str:
        return ",".join(f"libjanus_{name}.so" for name in names.split())

    files = {
        "janus.jcfg": f"""
            general: {{ plugins_folder = "{_LIBRARIES}/plugins"; transports_folder = "{_LIBRARIES}/transports"
                        events_folder = "{folder}"; loggers_folder = "{folder}" }}
            plugins: {{ disable = "{unused(_UNUSED_PLUGINS)}" }}
            transports: {{ disable = "{unused(_UNUSED_TRANSPORTS)}" }}""",
        "janus.transport.http.jcfg": f'general: {{ http = true; port = {http}; ip = "127.0.0.1"; https = false }}',
        "janus.transport.websockets.jcfg": f'general: {{ ws = true; ws_port = {websockets}; ws_ip = "127.0.0.1" }}',
        "janus.plugin.videoroom.jcfg": f'room-{ROOM}: {{ publishers = 6; videocodec = "h264,vp8"; bitrate = 2000000 }}',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    source = npm_clients() / "usr/share/simple-whip-server/src"
    shutil.copytree(source, folder / "src", ignore=shutil.ignore_patterns("config.js"))  # it points into /etc
    settings = {"janus": {"address": f"ws://127.0.0.1:{websockets}"}, "port": whip, "rest": "/whip", "iceServers": []}
    (folder / "src" / "config.js").write_text(f"module.exports = {json.dumps(settings)}")


async def _run(stack: AsyncExitStack, log: Path, *command: str, environment: dict[str, str] | None = None) -> None:
    """Start a program that writes into `log`, to be ended with `stack`."""
    with await asyncio.to_thread(log.open, "wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=output, stderr=output, env=environment
        )
    stack.push_async_callback(_end, process)


async def _answering(api: httpx.AsyncClient, url: str, log: Path) -> None:
    """Wait until a server is there."""
    for _ in range(1000):
        with suppress(httpx.TransportError):
            if (await api.get(url)).is_success:
                return
        await asyncio.sleep(0.02)
    message = f"no answer at {url}: {await asyncio.to_thread(log.read_text, errors='replace')}"
    raise RuntimeError(message)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
