"""A real TURN relay: coturn on a free port of 127.0.0.1."""

import asyncio
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.free_port import free_port

USER, PASSWORD = "me", "relay me"


@asynccontextmanager
async def turn_server(folder: Path) -> AsyncIterator[str]:
    """Run the relay for `USER`; yield its URL."""
    port = free_port()
    log = folder / "turn.log"
    options = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": str(port),
        "realm": "livesal",
        "user": f"{USER}:{PASSWORD}",
        "log-file": str(log),
        "pidfile": str(folder / "turn.pid"),
        "userdb": str(folder / "turn.db"),
    }
    switches = ["-n", "--lt-cred-mech", "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--simple-log"]
    arguments = [*switches, *(f"--{name}={value}" for name, value in options.items())]
    process = await asyncio.create_subprocess_exec("turnserver", *arguments, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await _listening(port)
        yield f"turn:127.0.0.1:{port}?transport=udp"
    finally:
        process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    """Wait until the relay takes connections; it opens UDP first, then TCP."""
    for _ in range(1000):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return
    message = f"coturn does not listen on port {port}; is the package coturn installed?"
    raise RuntimeError(message)
