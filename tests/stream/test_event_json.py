import json

from stream.event_json import event_camera, event_payload, event_text
from stream.events import AdaptationEvent, CameraState, RegionEvent, TrackedRegion

REGION = TrackedRegion(
    id="1700000000.25-abc123",
    camera="front",
    frame_time=1700000001.5,
    start_time=1700000000.25,
    end_time=None,
    box=(10, 20, 110, 70),
    area=4000,
    ratio=2.0,
    score=0.75,
    top_score=0.8,
    current_zones=("drive",),
    entered_zones=("yard", "drive"),
)
PAYLOAD = {
    "id": "1700000000.25-abc123",
    "camera": "front",
    "frame_time": 1700000001.5,
    "start_time": 1700000000.25,
    "end_time": None,
    "box": [10, 20, 110, 70],
    "area": 4000,
    "ratio": 2.0,
    "score": 0.75,
    "top_score": 0.8,
    "current_zones": ["drive"],
    "entered_zones": ["yard", "drive"],
}


def test_region_event_has_the_shape_of_frigate() -> None:
    event = RegionEvent(type="update", before=REGION, after=REGION)
    assert event_payload(event) == {"type": "update", "before": PAYLOAD, "after": PAYLOAD}


def test_adaptation_event_is_flat_and_its_details_hide_nothing() -> None:
    event = AdaptationEvent(
        camera="front",
        kind="rejected",
        time=1700000000.0,
        media_time=12.5,
        model_version=3,
        details={"keyframes": 8.0, "reason": "held-out loss rose", "camera": "another"},
    )
    assert event_payload(event) == {
        "camera": "front",
        "type": "rejected",
        "time": 1700000000.0,
        "media_time": 12.5,
        "model_version": 3,
        "keyframes": 8.0,
        "reason": "held-out loss rose",
    }


def test_state_is_flat_and_carries_what_the_conventions_ask() -> None:
    state = CameraState(camera="front", time=1.0, source="up", pts=900, nr=0.5, dropped={"age": 2})
    payload = event_payload(state)
    assert {
        "pts",
        "time",
        "saliency_peak",
        "saliency_mean",
        "saliency_area",
        "nr",
        "fps",
        "model_version",
        "phase",
    } <= (payload.keys())
    assert payload["dropped"] == {"age": 2}
    assert json.loads(event_text(state)) == payload


def test_a_diverged_loss_is_null() -> None:
    event = AdaptationEvent(
        camera="front",
        kind="failed",
        time=1.0,
        media_time=0.0,
        model_version=0,
        details={"loss_after": float("nan"), "loss_before": float("inf")},
    )
    payload = json.loads(event_text(event))
    assert payload["loss_after"] is None
    assert payload["loss_before"] is None


def test_the_camera_of_each_event() -> None:
    assert event_camera(RegionEvent(type="new", before=REGION, after=REGION)) == "front"
    assert event_camera(CameraState(camera="back", time=1.0, source="down")) == "back"
