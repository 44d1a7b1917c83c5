"""`livesal retrain` on a job that a service might have kept."""

from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from models.checkpoint import read_state
from pipeline.cli.app import app
from pipeline.retraining.job import write_job
from tests.fakes.jobs import small_job


@pytest.mark.timeout(120)
def test_a_job_is_done_by_hand_and_can_be_looked_at(tmp_path: Path) -> None:
    write_job(small_job(), tmp_path / "job")
    result = CliRunner().invoke(app, ["retrain", str(tmp_path / "job"), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    assert "3 keyframes, 2 held out; 6 iterations" in result.stdout
    assert "held-out error" in result.stdout
    assert "nothing speaks against the twin" in result.stdout or "contradicts itself" in result.stdout
    assert read_state(tmp_path / "out" / "twin.safetensors")
    for plot in ("loss.png", "maps.png"):
        picture = cv2.imread(str(tmp_path / "out" / plot))
        assert picture is not None
        assert picture.std() > 10, "something is drawn"


def test_what_is_no_job_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["retrain", str(tmp_path)])
    assert result.exit_code == 2
    assert "job.json is missing" in result.stderr
