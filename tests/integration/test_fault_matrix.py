"""The faults of docs/faults.md: every row names tests that are there; those that no other file has are here."""

import ast
import asyncio
import os
import re
import signal
from asyncio import StreamWriter
from collections import Counter
from dataclasses import replace
from pathlib import Path

import aioice.ice
import httpx
import pytest
import torch
from torch import Tensor

from configs.source import SourceSettings
from models.loading import load_model
from pipeline.memory import TwinMemory
from pipeline.service import Service
from pipeline.working_size import working_size
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.source import open_source
from tests.conftest import ROOT
from tests.fakes.adaptation import twin as kept_twin
from tests.fakes.live_service import DEMO, quick_settings
from tests.fakes.livesal_command import QUICK, livesal
from tests.fakes.media import numbered, write_video
from tests.fakes.player import Player
from tests.fakes.rtsp_server import rtsp_server
from tests.fakes.waiting import until
from tests.fakes.web_server import web_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PAGE = ROOT / "docs" / "faults.md"
REQUIRED = (
    "source dies",
    "source hangs",
    "source changes size and rate",
    "source sends corrupt packets",
    "broker restarts",
    "viewer vanishes without a word",
    "100 malformed SDPs",
    "trainer child killed",
    "disk full at checkpoint",
    "two cameras, one broken",
    "reload with an error",
    "SIGTERM under load",
    "kill −9 and resume",  # noqa: RUF001 - a minus, as on the page
)


def rows() -> list[list[str]]:
    """Return the cells of the table's rows: fault, expected, seen, tests."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_fault_has_a_row_with_what_was_expected_and_seen() -> None:
    assert set(REQUIRED) <= {fault for fault, *_ in rows()}
    for row in rows():
        assert len(row) == 4, row
        assert all(row), row


def test_every_row_names_tests_that_are_there_and_those_here_all_belong_to_one() -> None:
    named: set[tuple[str, str]] = set()
    for fault, _, _, cell in rows():
        found = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cell)
        assert found, fault
        named.update(found)
    for file, name in named:
        assert name in functions_in(ROOT / file), f"{file}::{name}"
    here = Path(__file__)
    own = {name for name in functions_in(here) if "row" not in name}
    assert {name for file, name in named if file == here.relative_to(ROOT).as_posix()} == own


class Broadcast:
    """An HTTP server's endless MPEG-TS streams; which segment a path repeats can be changed while it is sent.

    Attributes:
        segments: what each path repeats.
        sent: how often each segment was.
        over: ends the streams.
    """

    def __init__(self, segments: dict[str, bytes]) -> None:
        self.segments = segments
        self.sent: Counter[bytes] = Counter()
        self.over = asyncio.Event()

    async def answer(self, path: str, writer: StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n")
        while not self.over.is_set():
            content = self.segments[path]
            writer.write(content)
            await writer.drain()
            self.sent[content] += 1
            await asyncio.sleep(0.05)


def segment(folder: Path, width: int, height: int, rate: int) -> bytes:
    """Return ten pictures as MPEG-TS."""
    path = folder / f"{width}x{height}.ts"
    write_video(path, (numbered(number, width, height) for number in range(10)), rate=rate)
    return path.read_bytes()


def damaged(content: bytes) -> bytes:
    """Return a stream in which every other packet's payload is overwritten, the first ones excepted."""
    packets = [bytearray(content[start : start + 188]) for start in range(0, len(content), 188)]
    for packet in packets[6::2]:
        packet[20:160] = bytes(140)
    return b"".join(packets)


async def test_streams_that_change_or_break_go_on_and_disturb_neither_viewers_nor_other_cameras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    wide = await asyncio.to_thread(segment, tmp_path, 192, 96, 25)
    square = await asyncio.to_thread(segment, tmp_path, 192, 192, 10)
    broadcast = Broadcast({"/changing": wide, "/torn": wide})
    async with web_server(broadcast.answer) as address:
        cameras = {name: f"http://{address}/{name}" for name in ("changing", "torn")}
        settings = quick_settings(
            {**cameras, "good": "demo://?width=192&height=96&fps=10&cuts=0"},
            method={"motion": "contrast"},  # one network less to be built for each size
            adaptation={"enabled": False},
        )
        async with Service(settings) as service, Player() as player:

            async def frames(name: str, more: int = 5) -> None:
                wanted = service.camera(name).frames + more
                await until(lambda: service.camera(name).frames >= wanted)

            for name in (*cameras, "good"):
                await frames(name)
            async with httpx.AsyncClient(base_url=service.url) as client:
                answer = await client.post(
                    "/cameras/changing/final/whep",
                    content=await player.offer(),
                    headers={"Content-Type": "application/sdp"},
                )
            await player.accept(answer.text)
            before = await player.frame()
            torn = damaged(wide)
            broadcast.segments = {"/changing": square, "/torn": torn}
            await until(lambda: service.camera("changing").height == 192)
            await until(lambda: broadcast.sent[torn] > 20)
            broadcast.segments["/torn"] = wide
            for name in (*cameras, "good"):
                await frames(name)
            after = before
            while after.height == before.height:
                after = await player.frame()
            states = {state.camera: state for state in service.cameras()}
        broadcast.over.set()
    assert [states[name].source for name in ("changing", "torn", "good")] == ["up"] * 3
    assert [states[name].reconnects for name in ("changing", "torn", "good")] == [0] * 3
    assert [states[name].error for name in ("changing", "torn", "good")] == [""] * 3
    assert "corrupt" not in states["good"].dropped


async def test_a_camera_that_freezes_is_given_up_and_comes_back_when_it_thaws() -> None:
    async with rtsp_server() as server, asyncio.TaskGroup() as tasks:
        settings = {"url": server.url, "reconnect": {"initial": 0.1, "maximum": 0.2}, "read_timeout": 0.7}
        source = open_source(SourceSettings.model_validate(settings))
        out = Channel[Frame](2, Overflow.DROP_OLDEST)
        running = tasks.create_task(source.run(out), name="source")
        await out.receive()
        assert server._process is not None
        os.kill(server._process.pid, signal.SIGSTOP)
        await until(lambda: source.status.hung >= 1 and source.status.state == "down")
        assert source.status.error
        os.kill(server._process.pid, signal.SIGCONT)
        await until(lambda: source.status.reconnects == 1)
        assert (await out.receive()).size == (240, 320)
        running.cancel()


def decoder() -> dict[str, Tensor]:
    """Return the weights of a twin of the shipped network whose decoder differs a little."""
    generator = torch.Generator().manual_seed(1)
    weights = load_model("livesal-colour").network.state_dict()
    return {
        name: value + 0.01 * torch.randn(value.shape, generator=generator)
        for name, value in weights.items()
        if name.startswith("decoder.")
    }


async def test_a_service_that_was_killed_in_a_round_goes_on_with_its_twin(tmp_path: Path) -> None:
    area = 11520
    memory, size = TwinMemory(tmp_path, "demo", "livesal-colour"), working_size((180, 320), area)
    await asyncio.to_thread(lambda: memory.keep(replace(kept_twin(size=size), state=decoder()), []))
    start = ("demo", DEMO, "--port", "0", *QUICK, "-s", f"method.area={area}", "-s", f"adaptation.memory={tmp_path}")
    async with livesal(*start) as command:
        await command.line("resumed")
        await command.line("retraining started")
        command.tell(signal.SIGKILL)
        code, _, _ = await command.ended()
        assert code == -signal.SIGKILL
    assert await asyncio.to_thread(memory.recall, size) is not None, "what is on disk is whole"
    async with livesal(*start) as command:
        assert "version 1" in await command.line("resumed")
        command.tell(signal.SIGTERM)
        code, _, problems = await command.ended()
    assert (code, problems) == (0, "")
