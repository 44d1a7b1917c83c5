"""Cameras added, changed, paused and removed while livesal runs, and what became of the configuration."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from fastapi.openapi.models import Example
from pydantic import BaseModel, Field
from starlette.responses import Response

from configs.source import SourceSettings
from stream.control import CameraControl, ConfigReport
from stream.http.problem import Problem
from stream.redaction import redact

_HIDDEN: Final = "***"
_NAME: Final = r"^[a-z0-9][a-z0-9_-]*$"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "No such camera"},
    409: {
        "model": Problem,
        "description": "There is one already, or the command line or the environment says otherwise",
    },
    422: {"model": Problem, "description": "The configuration cannot be such; nothing was changed"},
    507: {"model": Problem, "description": "The change cannot be written to the configuration file and was not made"},
}
_SECTIONS: Final[dict[str, dict[str, Any]]] = {
    "A camera with credentials from the environment": {
        "url": "rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@192.0.2.10/stream1",
        "frame_age": 0.5,
    },
    "The generated scene": {"url": "demo://?width=640&height=360&fps=10"},
}
_EXAMPLES: Final[dict[str, Example]] = {
    summary: {"summary": summary, "value": section} for summary, section in _SECTIONS.items()
}
_NEW: Final[dict[str, Example]] = {
    summary: {"summary": summary, "value": {"name": "door", **section}} for summary, section in _SECTIONS.items()
}
_PATCHES: Final[dict[str, Example]] = {
    "pause": {"summary": "Keep the camera, but do not open it", "value": {"paused": True}},
    "change": {
        "summary": "Another address; the longest pause goes back to its default",
        "value": {"url": "rtsp://192.0.2.11/stream1", "reconnect": {"maximum": None}},
    },
}


class NewCamera(SourceSettings):
    """A camera to be added."""

    name: str = Field(pattern=_NAME, max_length=64, description="Lower-case letters, digits, - and _")


class CameraSettings(BaseModel):
    """A camera's settings that are in force; what may be a credential is `***`."""

    camera: str
    settings: dict[str, Any]
    kept_in: str | None = Field(description="File that the change is kept in; null = in memory, a restart forgets it")


def cameras_router(control: CameraControl) -> APIRouter:
    """Return the routes by which cameras and their settings are changed."""
    router = APIRouter(prefix="/api", tags=["Cameras"], responses=_ANSWERS)
    _add_cameras(router, control)
    _add_changes(router, control)
    _add_configuration(router, control)
    return router


def _add_cameras(router: APIRouter, control: CameraControl) -> None:
    @router.post("/cameras", status_code=HTTPStatus.CREATED)
    async def add(
        camera: Annotated[NewCamera, Body(openapi_examples=_NEW)],
        request: Request,
        response: Response,
    ) -> CameraSettings:
        """Add a camera and start it. `${NAME}` is written as it is and read from the environment."""
        section = await _written(request)
        section.pop("name")
        added = await control.add_camera(camera.name, section)
        response.headers["Location"] = f"/api/cameras/{camera.name}"
        return _shown(control, camera.name, added)

    @router.get("/cameras/{camera}/settings")
    async def settings(camera: str) -> CameraSettings:
        """Show a camera's settings, without credentials."""
        return _shown(control, camera, control.camera_settings(camera))

    @router.delete("/cameras/{camera}", status_code=HTTPStatus.NO_CONTENT)
    async def remove(camera: str) -> Response:
        """Take a camera out: its viewers' sessions end, and Home Assistant and Prometheus forget it."""
        await control.remove_camera(camera)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _add_changes(router: APIRouter, control: CameraControl) -> None:
    @router.put("/cameras/{camera}")
    async def replace(
        camera: str, section: Annotated[SourceSettings, Body(openapi_examples=_EXAMPLES)], request: Request
    ) -> CameraSettings:
        """Give a camera these settings in place of all it had; it starts again, its viewers stay."""
        del section  # what was written counts, with its references
        return _shown(control, camera, await control.replace_camera(camera, await _written(request)))

    @router.patch("/cameras/{camera}")
    async def change(camera: str, patch: Annotated[dict[str, Any], Body(openapi_examples=_PATCHES)]) -> CameraSettings:
        """Change some of a camera's settings by a JSON merge patch (RFC 7396): null sets back to the default."""
        return _shown(control, camera, await control.patch_camera(camera, patch))

    @router.post("/cameras/{camera}/pause")
    async def pause(camera: str) -> CameraSettings:
        """Leave the camera alone until it is resumed, also after a restart; one that is paused stays so."""
        return _shown(control, camera, await control.patch_camera(camera, {"paused": True}))

    @router.post("/cameras/{camera}/resume")
    async def resume(camera: str) -> CameraSettings:
        """Open a paused camera again; one that is not paused goes on."""
        return _shown(control, camera, await control.patch_camera(camera, {"paused": None}))


def _add_configuration(router: APIRouter, control: CameraControl) -> None:
    @router.get("/config")
    async def configuration() -> ConfigReport:
        """Say what became of the configuration when it was last looked at."""
        return control.report()

    @router.post("/config/reload")
    async def reload() -> ConfigReport:
        """Read the configuration file again, as a SIGHUP does, and make what changed in it."""
        return await control.reload()


async def _written(request: Request) -> dict[str, Any]:
    """Return the body as it was written, which its model has found to be a mapping."""
    content: dict[str, Any] = await request.json()
    return content


def _shown(control: CameraControl, camera: str, settings: SourceSettings) -> CameraSettings:
    section = settings.model_dump(mode="json")
    section["url"] = redact(settings.url.get_secret_value())
    section["options"] = dict.fromkeys(settings.options, _HIDDEN)
    return CameraSettings(camera=camera, settings=section, kept_in=control.report().file)
