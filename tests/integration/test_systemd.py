"""What systemd hears: a real datagram socket in `$NOTIFY_SOCKET`'s place, and the unit in `deploy/` read by systemd."""

import asyncio
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from pipeline import heartbeat
from pipeline.saliency_path import MotionHalf, MotionResult
from pipeline.service import Service
from tests.conftest import ROOT
from tests.fakes.live_service import DEMO, quick_settings
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

_HUNG = 2.0
"""Seconds from which a frame hangs, in place of half a minute: far above what one takes on a busy machine."""
UNIT = ROOT / "deploy" / "livesal.service"


class Listener:
    """systemd's end of the socket.

    Attributes:
        told: what came, in order.
    """

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        self._socket.bind(str(self._path))
        asyncio.get_running_loop().add_reader(self._socket, lambda: self.told.append(self._socket.recv(256).decode()))
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    async def more(self) -> None:
        """Wait until something more is told."""
        count = len(self.told)
        await until(lambda: len(self.told) > count)


async def test_the_watchdog_is_fed_until_a_frame_hangs_and_again_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    go = threading.Event()
    go.set()
    motion = MotionHalf.__call__

    def hangs(half: MotionHalf, *arguments: Any) -> MotionResult:
        go.wait(60)
        return motion(half, *arguments)

    monkeypatch.setattr(MotionHalf, "__call__", hangs)
    settings = quick_settings({"demo": DEMO}, adaptation={"enabled": False})
    monkeypatch.setattr(heartbeat.beat, "__defaults__", (_HUNG,))
    with Listener(tmp_path / "notify") as systemd:
        async with Service(settings) as service:
            await until(lambda: service.camera("demo").frames > 2)
            await systemd.more()
            assert systemd.told[0] == "READY=1"
            assert set(systemd.told[1:]) == {"WATCHDOG=1"}
            go.clear()
            await until(lambda: service._threads.longest() > _HUNG)
            await asyncio.sleep(0)
            count = len(systemd.told)
            await until(lambda: service._threads.longest() > 2 * _HUNG)  # many signs of life are due meanwhile
            assert len(systemd.told) <= count + 1, "but one that was under way"
            go.set()
            await systemd.more()
            assert systemd.told[-1] == "WATCHDOG=1"
        await until(lambda: systemd.told[-1] == "STOPPING=1")


async def test_a_systemd_that_does_not_listen_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        with heartbeat.Systemd() as systemd:
            for _ in range(1000):
                systemd.tell("WATCHDOG=1")
        assert deaf.recv(256) == b"WATCHDOG=1"


@pytest.mark.parametrize(("microseconds", "seconds"), [(None, 1.0), ("60000000", 1.0), ("900000", 0.3), ("no", 1.0)])
def test_signs_of_life_come_thrice_as_often_as_systemd_asks(
    microseconds: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if microseconds is None:
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    else:
        monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    assert heartbeat.interval() == seconds


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """`systemd-analyze verify` looks for the command, so it gets the unit with the one that is installed here."""
    text = UNIT.read_text(encoding="utf-8")
    command = Path(sys.executable).with_name("livesal")
    assert "/opt/livesal/.venv/bin/livesal" in text
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/livesal/.venv/bin/livesal", str(command)), encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    secured = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert secured.returncode == 0, secured.stdout


def test_a_unit_with_a_mistake_is_found_out(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSecs="), encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert "'WatchdogSecs'" in verified.stderr


def test_the_unit_waits_longer_for_a_sign_of_life_than_a_hang_takes_to_be_noticed() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert "Type=notify" in text
    (seconds,) = re.findall(r"^WatchdogSec=(\d+)$", text, re.MULTILINE)
    assert int(seconds) > 3 * heartbeat.interval()
