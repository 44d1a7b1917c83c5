"""Saliency maps as numbers, for scripts."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from stream.http.problem import Problem
from stream.saliency_map import MAPS, SaliencyMap, to_npy, to_png

MapSource = Callable[[str, str], SaliencyMap]
"""Returns the newest map of a camera, given its name and the map's.

It raises `UnknownNameError` where there is no such camera or map, `NoSignalError` where no frames come.
"""

_NPY: Final = "application/x-npy"
_PNG: Final = "image/png"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {_NPY: {}, _PNG: {}},
        "description": "The map at the working size",
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in {
                "X-Livesal-Pts": "Presentation time in units of the time base",
                "X-Livesal-Time-Base": "Seconds per unit, as a fraction",
                "X-Livesal-Media-Time": "Presentation time in seconds",
                "X-Livesal-Frame": "Number of the frame in its stream",
                "X-Livesal-Map-Size": "Width x height of the map",
                "X-Livesal-Frame-Size": "Width x height of the frame that it belongs to",
                "X-Livesal-Model-Version": "Twin in service; 0 = the original",
            }.items()
        },
    },
    404: {"model": Problem, "description": "No such camera or map"},
    409: {"model": Problem, "description": "No frames come"},
}


def maps_router(newest: MapSource) -> APIRouter:
    """Return the route of all maps."""
    router = APIRouter(prefix="/api", tags=["API"])

    @router.get("/cameras/{camera}/map", response_class=Response, responses=_ANSWERS)
    async def saliency_map(
        camera: str,
        view: Annotated[str, Query(description=f"One of {', '.join(MAPS)}", examples=["final"])] = "final",
        form: Annotated[
            Literal["npy", "png"], Query(alias="format", description="float32 in [0, 1], or a grey picture")
        ] = "npy",
        depth: Annotated[Literal["8", "16"], Query(description="Bits of a PNG")] = "8",
    ) -> Response:
        """Give the newest saliency map: every value, or a grey picture of it."""
        found = newest(camera, view)
        content = to_npy(found.values) if form == "npy" else to_png(found.values, int(depth))
        return Response(content, media_type=_NPY if form == "npy" else _PNG, headers=_headers(found))

    return router


def _headers(found: SaliencyMap) -> dict[str, str]:
    (rows, columns), (height, width) = found.values.shape, found.frame_size
    return {
        "Cache-Control": "no-store",
        "X-Livesal-Pts": str(found.pts),
        "X-Livesal-Time-Base": f"{found.time_base.numerator}/{found.time_base.denominator}",
        "X-Livesal-Media-Time": f"{float(found.pts * found.time_base):.6f}",
        "X-Livesal-Frame": str(found.sequence),
        "X-Livesal-Map-Size": f"{columns}x{rows}",
        "X-Livesal-Frame-Size": f"{width}x{height}",
        "X-Livesal-Model-Version": str(found.model_version),
    }
