"""`livesal serve` as a process of its own: how it stops, reloads and logs, and that it tells nobody a secret."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.fakes.live_service import DEMO
from tests.fakes.livesal_command import QUICK, livesal
from tests.fakes.player import Player

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

_GRACE = 5.0
"""Seconds that an operator waits after SIGTERM."""
_SMALL = ("-s", "http.port=0", "-s", "method.area=11520")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def test_sigterm_ends_it_in_time_whatever_it_is_doing(tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    write(config, f"cameras: {{front: {{url: '{DEMO}'}}, back: {{url: '{DEMO}&seed=5'}}}}\n")
    long = ("-s", "adaptation.retraining.iterations_per_keyframe=1000")
    async with livesal("serve", str(config), *_SMALL, *QUICK, *long) as command, AsyncExitStack() as viewing:
        url = (await command.line("preview: ")).removeprefix("preview: ")
        client = await viewing.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        await command.line("retraining started")
        for path in ("/cameras/front/overlay.mjpeg", "/cameras/front/overlay.mjpeg", "/api/events"):
            answer = await viewing.enter_async_context(client.stream("GET", path))
            assert answer.status_code == 200
            await anext(answer.aiter_bytes())
        for view in ("overlay", "final"):
            player = await viewing.enter_async_context(Player())
            answer = await client.post(
                f"/cameras/front/{view}/whep", content=await player.offer(), headers={"Content-Type": "application/sdp"}
            )
            assert answer.status_code == 201
            await player.accept(answer.text)
        children = command.children()
        assert len(children) == 1, "one retraining child serves both cameras"
        command.tell(signal.SIGTERM)
        code, said, problems = await command.ended_within(_GRACE)
    assert (code, problems) == (0, "")
    assert said.endswith("stopping …\nstopped\n")
    assert not [child for child in children if child.is_running()]


async def test_it_tells_nobody_a_secret(tmp_path: Path) -> None:
    planted = {
        "CAMERA_PASSWORD": "planted-for-rtsp%2F1",
        "CAMERA_TOKEN": "planted-for-http-2",
        "MQTT_PASSWORD": "planted-for-mqtt-3",
        "PAGE_TOKEN": "planted-for-page-4",
        "OPTION": "planted-for-ffmpeg-5",
    }
    config = tmp_path / "cameras.yaml"
    text = f"""\
cameras:
  scene: {{url: '{DEMO}'}}
  broken: {{url: 'rtsp://anna:${{CAMERA_PASSWORD}}@127.0.0.1:9/a', options: {{user_agent: '${{OPTION}}'}}}}
  web: {{url: 'http://127.0.0.1:9/a?token=${{CAMERA_TOKEN}}'}}
http: {{tokens: ['${{PAGE_TOKEN}}']}}
mqtt: {{host: 127.0.0.1, port: 9, username: anna, password: '${{MQTT_PASSWORD}}'}}
adaptation: {{enabled: false}}
"""
    write(config, text)
    heard: list[str] = []
    start = ("--verbose", "serve", str(config), *_SMALL, "--log-format", "json")
    async with livesal(*start, variables=planted) as command, httpx.AsyncClient(timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {planted['PAGE_TOKEN']}"
        client.base_url = httpx.URL((await command.record("preview: "))["message"].removeprefix("preview: "))

        async def ask(method: str, path: str, **content: object) -> int:
            answer = await client.request(method, path, **content)  # type: ignore[arg-type]
            heard.extend((answer.text, str(answer.headers)))
            return answer.status_code

        stolen = f"rtsp://anna:{planted['CAMERA_PASSWORD']}@127.0.0.1:9/b"
        while await ask("GET", "/api/cameras/scene/map") != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        for path in ("cameras", "cameras/broken", "cameras/broken/settings", "cameras/web/settings", "config"):
            assert await ask("GET", f"/api/{path}") == 200
        for path in ("/openapi.json", "/metrics", "/"):
            assert await ask("GET", path) == 200
        assert await ask("POST", "/api/cameras", json={"name": "new", "url": stolen, "paused": True}) == 201
        assert await ask("POST", "/api/cameras", json={"name": "x", "url": f"gopher://{stolen}"}) == 422
        assert await ask("PATCH", "/api/cameras/new", json={"live": stolen}) == 422
        assert await ask("PATCH", "/api/cameras/new", json={stolen: stolen}) == 422
        async with client.stream("GET", "/api/events") as events:
            lines = events.aiter_lines()
            while not heard[-1].startswith('data: {"camera":"web"'):
                heard.append(await anext(lines))
        write(config, text.replace("enabled: false", f"enabled: '{planted['MQTT_PASSWORD']}'"))
        command.tell(signal.SIGHUP)
        refused = await command.record("was refused")
        assert (refused["level"], refused["logger"]) == ("ERROR", "livesal.config")
        write(config, text.replace("'rtsp:", f"[{stolen}, 'rtsp:"))
        assert await ask("POST", "/api/config/reload") == 422
        assert "no valid YAML" in heard[-2]
        command.tell(signal.SIGTERM)
        code, said, problems = await command.ended_within(_GRACE)
    assert (code, said) == (0, ""), "all that is said is in the log"
    records = [json.loads(line) for line in problems.splitlines()]
    assert {"time", "level", "logger", "message"} <= records[0].keys()
    assert any("127.0.0.1:9" in record["message"] for record in records), "what is wrong is still said"
    told = "\n".join([problems, *heard])
    assert [secret for secret in planted.values() if secret in told] == []
    assert "planted" not in told
