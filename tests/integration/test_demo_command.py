"""`livesal demo` as a process of its own: it serves, and ends quickly and cleanly whatever it is doing."""

import asyncio
import signal
import socket

import httpx
import psutil
import pytest

from tests.fakes.live_service import DEMO
from tests.fakes.livesal_command import QUICK, livesal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_GRACE = 5.0
"""Seconds that a person waits after Ctrl-C, and an operator after SIGTERM."""
_FRAMES = 'livesal_frames_total{camera="demo",stage="analysis"}'
_START = ("demo", DEMO, "--port", "0", "-s", "method.area=11520", *QUICK)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_demo_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    async with livesal(*_START) as command:
        url = (await command.line("preview: ")).removeprefix("preview: ")
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/healthz")).json() == {"status": "alive"}
            assert (await client.get("/readiness")).json() == {"status": "ready"}
            assert "text/html" in (await client.get("/")).headers["content-type"]
            while _FRAMES not in (await client.get("/metrics")).text:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        children = command.children()
        assert children  # the one that retrains
        command.tell(number)
        async with asyncio.timeout(_GRACE):
            code, said, problems = await command.ended()
        assert (code, problems) == (0, "")
        assert said.endswith("stopping …\nstopped\n")
        assert not [child for child in children if child.is_running()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_demo_ends_in_the_middle_of_a_round_with_a_listener(number: signal.Signals) -> None:
    long = ("-s", "adaptation.retraining.iterations_per_keyframe=1000")
    async with livesal(*_START, *long) as command:
        url = (await command.line("preview: ")).removeprefix("preview: ")
        async with httpx.AsyncClient(base_url=url) as client, client.stream("GET", "/api/events") as events:
            assert events.status_code == 200
            await command.line("retraining started")
            (child,) = command.children()
            used = sum(child.cpu_times()[:2])
            while sum(child.cpu_times()[:2]) < used + 0.2:  # noqa: ASYNC110 - until the child has taken the job
                await asyncio.sleep(0.05)
            command.tell(number)
            async with asyncio.timeout(_GRACE):
                code, _, problems = await command.ended()
        assert (code, problems) == (0, "")
        assert not child.is_running()


async def test_ctrl_c_while_the_networks_are_loading_ends_it_as_well() -> None:
    async with livesal(*_START) as command:
        await command.line("loading networks")
        command.tell(signal.SIGINT)
        async with asyncio.timeout(2 * _GRACE):
            code, _, problems = await command.ended()
    assert (code, problems) == (0, "")


async def test_a_port_in_use_is_one_line_and_exit_code_five() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with livesal("demo", DEMO, "--port", str(port)) as command:
            code, _, problems = await command.ended()
    assert code == 5
    assert problems.startswith(f"error: port {port} of 127.0.0.1 is in use by another program")
    assert problems.count("\n") == 1


async def test_a_crash_of_the_service_takes_the_child_with_it() -> None:
    async with livesal(*_START) as command:
        await command.line("preview: ")
        children = command.children()
        command.tell(signal.SIGKILL)
        code, _, _ = await command.ended()
        assert code == -signal.SIGKILL
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 30)
    assert alive == []
