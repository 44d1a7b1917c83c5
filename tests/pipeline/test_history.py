from pipeline.history import History
from stream.events import AdaptationEvent, AdaptationKind
from tests.fakes.frames import saliency


def event(kind: AdaptationKind, time: float) -> AdaptationEvent:
    return AdaptationEvent(camera="door", kind=kind, time=time, media_time=0, model_version=1)


def test_every_keyframe_is_a_point_and_other_frames_are_thinned_out() -> None:
    history = History(0.6)
    for step in range(8):
        history.add(1000 + step / 8, saliency(nr=0.9))
    history.add(1000.91, saliency(nr=0.2, model_version=3))
    timeline = history.timeline()
    assert timeline.threshold == 0.6
    assert [round(point.time - 1000, 2) for point in timeline.points] == [0, 0.25, 0.5, 0.75, 0.91]
    last = timeline.points[-1]
    assert (last.nr, last.is_keyframe, last.model_version) == (0.2, True, 3)


def test_what_is_older_than_three_minutes_is_forgotten() -> None:
    history = History(0.6)
    history.add(1000, saliency())
    history.mark(event("swapped", 1000))
    history.mark(event("rejected", 1100))
    history.add(1181, saliency())
    timeline = history.timeline()
    assert [point.time for point in timeline.points] == [1181]
    assert timeline.marks == ()
    history.mark(event("reset", 1182))
    assert [mark.kind for mark in history.timeline().marks] == ["reset"]


def test_keyframes_are_points_and_no_marks() -> None:
    history = History(0.6)
    history.add(1000, saliency())
    history.mark(event("keyframe", 1001))
    history.mark(event("retraining-started", 1001))
    assert [mark.kind for mark in history.timeline().marks] == ["retraining-started"]


def test_a_history_begins_empty() -> None:
    timeline = History(0.5).timeline()
    assert (timeline.points, timeline.marks) == ((), ())
