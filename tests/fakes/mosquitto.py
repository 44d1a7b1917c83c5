"""A real Mosquitto with its own configuration on a free port, and `mosquitto_sub` as its reader."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True, slots=True)
class Received:
    """A message as `mosquitto_sub` saw it; `retained` if the broker had kept it for us."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


class Mosquitto:
    """The broker; `kill` and `start` again keep its port, and nothing else: it has no persistence."""

    def __init__(
        self, folder: Path, users: Mapping[str, str] | None = None, tls: tuple[Path, Path] | None = None
    ) -> None:
        self.port = _free_port()
        self._folder = folder
        self._users = users
        self._tls = tls
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._configure)
        await self.start()
        return self

    def _configure(self) -> None:
        lines = [f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", "log_dest stderr"]
        if self._tls is not None:
            lines += [f"certfile {self._tls[0]}", f"keyfile {self._tls[1]}"]
        if self._users is None:
            lines.append("allow_anonymous true")
        else:
            passwords = self._folder / "passwords"
            passwords.write_text("".join(f"{name}:{word}\n" for name, word in self._users.items()), "utf-8")
            passwords.chmod(0o600)
            subprocess.run([_found("mosquitto_passwd"), "-U", str(passwords)], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        (self._folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", "utf-8")

    async def start(self) -> None:
        configuration = str(self._folder / "mosquitto.conf")
        self._process = await asyncio.create_subprocess_exec(
            await _program("mosquitto"), "-c", configuration, stdout=DEVNULL, stderr=PIPE
        )
        assert self._process.stderr is not None
        said = []
        while line := await self._process.stderr.readline():
            said.append(line.decode())
            if b" running" in line:
                return
        message = f"Mosquitto did not start on port {self.port}: {''.join(said)}"
        raise RuntimeError(message)

    async def kill(self) -> None:
        """End the broker as a crash would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.communicate()
            self._process = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()


class Reader:
    """What `mosquitto_sub` receives, in order."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def until(self, wanted: Callable[[Received], bool]) -> list[Received]:
        """Return all messages up to the first that is wanted."""
        received = []
        while True:
            received.append(await self._next())
            if wanted(received[-1]):
                return received

    async def until_topic(self, topic: str, payload: bytes | None = None) -> list[Received]:
        """Return all messages up to the first of `topic`, with `payload` if one is named."""
        return await self.until(lambda got: got.topic == topic and payload in {None, got.payload})

    async def take(self, count: int) -> list[Received]:
        """Return the next `count` messages."""
        return [await self._next() for _ in range(count)]

    async def _next(self) -> Received:
        while True:
            line = await self._line()
            if "\t" in line:  # else it is about the protocol, by -d
                topic, qos, retained, payload = line.rstrip("\n").split("\t")
                return Received(topic, bytes.fromhex(payload), int(qos), retained == "1")

    async def subscribed(self) -> None:
        while "received SUBACK" not in await self._line():
            pass

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            message = "mosquitto_sub ended: is the broker gone?"
            raise EOFError(message)
        return line.decode()


@asynccontextmanager
async def reading(port: int, *topics: str, login: tuple[str, str] | None = None) -> AsyncIterator[Reader]:
    """Run `mosquitto_sub` on `topics`; it is subscribed when this is entered."""
    filters = [word for topic in topics for word in ("-t", topic)]
    credentials = ["-u", login[0], "-P", login[1]] if login else []
    # -d prints each packet (hence SUBACK), and its output is by line only where stdout is told so
    process = await asyncio.create_subprocess_exec(
        "stdbuf", "-oL", await _program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-d",
        "-F", "%t\t%q\t%r\t%x", *credentials, *filters, stdout=PIPE,
    )  # fmt: skip
    try:
        reader = Reader(process)
        await reader.subscribed()
        yield reader
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def send(port: int, topic: str, payload: str, *, retain: bool = False) -> None:
    """Publish one message by `mosquitto_pub`."""
    words = ["-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", topic, "-m", payload, *(["-r"] if retain else [])]
    process = await asyncio.create_subprocess_exec(await _program("mosquitto_pub"), *words, stdout=DEVNULL, stderr=PIPE)
    _, said = await process.communicate()
    if process.returncode:
        message = f"mosquitto_pub to port {port}: {said.decode()}"
        raise RuntimeError(message)


async def _program(name: str) -> str:
    """Find a program without blocking the loop that a test watches."""
    return await asyncio.to_thread(_found, name)


def _found(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        message = f"'{name}' is missing: `make test` installs it (Debian: mosquitto, mosquitto-clients)"
        raise RuntimeError(message)
    return found


def _free_port() -> int:
    with socket.socket() as sought:
        sought.bind(("127.0.0.1", 0))
        port: int = sought.getsockname()[1]
        return port
