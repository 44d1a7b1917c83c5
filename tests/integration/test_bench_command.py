"""`livesal bench` as people run it: service, retraining child and WebRTC viewers in processes of their own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.bench import interference
from pipeline.cli.app import app

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SMALL = (
    "--frame", "180", "320",
    "--fps", "10",
    "-s", "method.area=8000",
    "-s", "webrtc.encoding.width=320",
)  # fmt: skip


def bench(*arguments: str) -> dict[str, Any]:
    """Return what the command says as JSON."""
    result = CliRunner().invoke(app, ["bench", *arguments, *SMALL, "--json"])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_path_is_followed_from_the_source_to_the_viewers_screen(tmp_path: Path) -> None:
    found = bench("path", "--seconds", "2", "--plot", str(tmp_path / "path.png"))
    values = {name: one["value"] for name, one in found["figures"].items()}
    assert values["frames/s on the viewer's screen"] > 0
    assert values["start to first frame on screen"] > 0
    assert 0 < values["decode to packet, median"] < values["capture to screen, median"], "the screen comes last"
    assert values["memory of the service"] > 50
    assert found["rows"][0]["frames"] == "without retraining"
    assert (tmp_path / "path.png").stat().st_size > 1000


def test_more_viewers_are_set_beside_one() -> None:
    found = bench("viewers", "1", "3", "--seconds", "1")
    assert [row["viewers"] for row in found["rows"]] == ["1", "3"]
    assert all(row["frames/s, slowest viewer"] > 0 for row in found["rows"])
    assert found["figures"]["3 viewers / 1"]["value"] > 0


def test_cameras_are_measured_each_number_in_a_process_of_its_own() -> None:
    found = bench("cameras", "1", "--seconds", "1")
    (row,) = found["rows"]
    assert row["MiB with children"] > row["MiB"] > 50
    assert row["frames/s, slowest"] > 0


def test_a_run_is_timed_offline() -> None:
    found = bench("offline", "--seconds", "1")
    assert [row["frames"] for row in found["rows"]] == [10, 10]
    assert found["figures"]["offline frames/s"]["value"] > 0


def test_frames_beside_a_round_are_set_beside_frames_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interference, "PARTS", 1)
    without, during = bench("interference", "--seconds", "0.5")["rows"]
    assert (without["retraining"], during["retraining"]) == ("without", "with")
    assert without["iterations/s"] == 0
    assert during["p50 ms"] > 0
    assert during["p50 ms ratio"] is not None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["stages", "--source", "nowhere.mp4"], 3, "nowhere.mp4"),
        (["viewers", "many"], 2, "expected numbers of viewers"),
        (["networks", "nonesuch", "--seconds", "0.01"], 4, "nonesuch"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(arguments: list[str], code: int, said: str) -> None:
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == code
    assert said in result.stderr
