import io
from fractions import Fraction

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from stream.errors import NoSignalError, UnknownNameError
from stream.http.maps import maps_router
from stream.http.problem import add_problem_handlers
from stream.saliency_map import SaliencyMap

VALUES = np.array([[0.0, 0.25, 1.0], [0.5, 0.75, 1 / 3]], np.float32)


def newest(camera: str, view: str) -> SaliencyMap:
    if camera == "silent":
        message = "camera 'silent' gives no frames now (down)"
        raise NoSignalError(message)
    if (camera, view) != ("front", "final"):
        message = "no such thing"
        raise UnknownNameError(message)
    return SaliencyMap(
        values=VALUES, pts=180, time_base=Fraction(1, 90), sequence=6, frame_size=(720, 1280), model_version=3
    )


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(maps_router(newest))
    add_problem_handlers(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal")


async def test_numpy_reads_every_value_and_the_headers_say_whose_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/cameras/front/map")
    assert answer.headers["Content-Type"] == "application/x-npy"
    read = np.load(io.BytesIO(answer.content))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, VALUES)
    told = {name.removeprefix("x-livesal-"): value for name, value in answer.headers.items() if "livesal" in name}
    assert told == {
        "pts": "180",
        "time-base": "1/90",
        "media-time": "2.000000",
        "frame": "6",
        "map-size": "3x2",
        "frame-size": "1280x720",
        "model-version": "3",
    }


@pytest.mark.parametrize(("depth", "levels"), [(8, [[0, 64, 255], [128, 191, 85]]), (16, None)])
async def test_a_png_has_the_levels_of_its_depth(
    client: httpx.AsyncClient, depth: int, levels: list[list[int]] | None
) -> None:
    answer = await client.get("/api/cameras/front/map", params={"format": "png", "depth": depth})
    assert answer.headers["Content-Type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    expected = levels or [[0, 16384, 65535], [32768, 49151, 21845]]
    assert (picture.tolist(), picture.dtype.itemsize * 8) == (expected, depth)


@pytest.mark.parametrize(
    ("query", "status"),
    [("back/map", 404), ("front/map?view=x", 404), ("silent/map", 409), ("front/map?format=gif", 422)],
)
async def test_what_is_not_there_is_said(client: httpx.AsyncClient, query: str, status: int) -> None:
    answer = await client.get(f"/api/cameras/{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
