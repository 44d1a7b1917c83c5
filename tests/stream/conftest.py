import asyncio
from collections.abc import AsyncIterator

import aioice.ice
import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let ICE use 127.0.0.1, which aioice leaves out: both peers are in this process.

    A connection that is closed while it connects leaves aiortc's own task behind for one more beat of ICE, 20 ms.
    """
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    yield
    connecting = [task for task in asyncio.all_tasks() if "RTCPeerConnection.__connect" in repr(task.get_coro())]
    if connecting:
        await asyncio.wait(connecting, timeout=1)
