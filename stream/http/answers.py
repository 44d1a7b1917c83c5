"""What the API answers, as its OpenAPI document tells."""

from collections.abc import Sequence

from pydantic import BaseModel

from stream.backend import Command, KeyframeThumbnail
from stream.events import CameraState
from stream.views import VIEWS


class Health(BaseModel):
    """Whether the service lives or is ready."""

    status: str


class ViewStatus(BaseModel):
    """A view of a camera: where to watch it and how many do."""

    view: str
    viewers: int
    whep: str
    snapshot: str


class CameraStatus(BaseModel):
    """A camera's state, its views, and where to publish to it; null where it has another source."""

    state: CameraState
    views: list[ViewStatus]
    whip: str | None


class Keyframe(BaseModel):
    """A keyframe of the window; its picture is at `url`."""

    id: int
    media_time: float
    nr: float
    url: str


class Order(BaseModel):
    """What a camera's adaptation is told."""

    command: Command


def camera_status(state: CameraState, viewers: dict[str, int], *, publishable: bool) -> CameraStatus:
    """Return a camera's state with its views, given how many watch each."""
    name = state.camera
    return CameraStatus(
        state=state,
        whip=f"/cameras/{name}/whip" if publishable else None,
        views=[
            ViewStatus(
                view=view,
                viewers=viewers.get(view, 0),
                whep=f"/cameras/{name}/{view}/whep",
                snapshot=f"/api/cameras/{name}/snapshot.jpg?view={view}",
            )
            for view in VIEWS
        ],
    )


def keyframe_list(name: str, keyframes: Sequence[KeyframeThumbnail]) -> list[Keyframe]:
    """Return the keyframes of camera `name` without their pictures."""
    return [
        Keyframe(
            id=keyframe.id,
            media_time=keyframe.media_time,
            nr=keyframe.nr,
            url=f"/api/cameras/{name}/keyframes/{keyframe.id}.jpg",
        )
        for keyframe in keyframes
    ]
