"""A real clip, once through: retrained and swapped on the way, and every frame of it in the output."""

import asyncio
import json
from pathlib import Path

import av
import pytest

from tests.fakes.livesal_command import livesal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


async def test_a_run_over_a_real_clip_retrains_swaps_and_loses_no_frame(shared: Path, tmp_path: Path) -> None:
    clip, output = shared / "data" / "videos" / "01_dog.mp4", tmp_path / "out.mp4"
    async with livesal("run", str(clip), "-o", str(output), "--view", "mosaic", "--json") as command:
        code, said, problems = await command.ended()
    assert (code, problems) == (0, "")
    summary = json.loads(said.splitlines()[-1])
    assert summary["retrainings"] >= 1
    assert summary["swaps"] >= 1
    times = await asyncio.to_thread(_times, clip)
    assert summary["frames"] == len(times)
    assert await asyncio.to_thread(_times, output) == pytest.approx(times, abs=1e-3)


def _times(path: Path) -> list[float]:
    """Decode a video; return the time of every frame, in seconds from the first."""
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    return [time - times[0] for time in times]
