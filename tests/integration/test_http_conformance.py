"""What programs of others find in our HTTP: promtool in the metrics, schemathesis in the API."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pipeline import service as composition
from pipeline.service import Service
from tests.fakes.live_service import DEMO, quick_store
from tests.fakes.program import run
from tests.fakes.served import FakeNetworks
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(composition, "Networks", lambda *_: FakeNetworks())
    config = tmp_path / "cameras.yaml"
    config.write_text(f"cameras: {{front: {{url: '{DEMO}'}}}}\n", encoding="utf-8")
    store = quick_store(config, adaptation={"enabled": False}, http={"rate_limit": 10_000})
    async with Service(store.reload(), store) as service:
        await until(lambda: service.camera("front").frames > 2)
        yield service


async def test_promtool_finds_nothing_wrong_with_the_metrics(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url) as client:
        assert (await client.get("/api/cameras/front/snapshot.jpg")).status_code == 200
        assert (await client.get("/api/cameras/front/map")).content.startswith(b"\x93NUMPY")
        await client.post("/api/config/reload")
        text = (await client.get("/metrics")).content
    assert text.count(b"# TYPE livesal_") > 15
    assert await run("promtool", "check", "metrics", feed=text) == (0, "")
    wrong, said = await run("promtool", "check", "metrics", feed=text.replace(b"frames_total", b"frames"))
    assert (wrong, "counter metrics should have" in said) == (3, True), "it would have said so"


async def test_schemathesis_finds_no_server_error(service: Service, tmp_path: Path) -> None:
    code, said = await run(
        sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json",
        "--checks", "not_a_server_error,content_type_conformance,status_code_conformance",
        "--phases", "examples,coverage,fuzzing",
        "--exclude-path-regex", r"/api/events|\.mjpeg",  # answers without an end
        "--max-examples", "2",
        "--generation-deterministic",
        "--no-shrink",
        "--request-timeout", "30",
        "--no-color",
        variables={"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parents[1] / "fakes")},
        folder=tmp_path,  # it leaves its findings where it runs
    )  # fmt: skip
    assert code == 0, said
    assert "Test cases" in said
    async with httpx.AsyncClient(
        base_url=service.url
    ) as client:  # which of its cameras are left is schemathesis' choice
        assert (await client.post("/api/cameras", json={"name": "after", "url": DEMO})).status_code == 201
    await until(lambda: service.camera("after").frames > 2)
