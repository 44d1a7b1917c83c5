"""What a camera does, counted for Prometheus."""

from collections import Counter
from typing import Final

from pipeline.analysed_frame import AnalysedFrame
from stream.events import AdaptationEvent, CameraState
from stream.metrics import Metrics

_RESULTS: Final = ("swapped", "rejected", "failed", "recalled", "not-recalled", "rolled-back")


class CameraCounts:
    """Counts one camera's frames, losses and rounds in the metrics of the service."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        """Begin with nothing counted of the camera `name`."""
        self._name = name
        self._metrics = metrics
        self._counted: Counter[str] = Counter()

    def frame(self, analysed: AnalysedFrame) -> None:
        """Count an analysed frame, its age and the seconds of its stages."""
        self._metrics.frames.labels(self._name, "analysis").inc()
        self._metrics.frame_age.labels(self._name).observe(analysed.finished_at - analysed.frame.arrived_at)
        for stage, seconds in analysed.seconds.items():
            self._metrics.stage_seconds.labels(self._name, stage).observe(seconds)

    def source(self, state: CameraState) -> None:
        """Bring the metrics up to what the source has counted by itself."""
        self._metrics.source_up.labels(self._name).set(state.source == "up")
        self._metrics.reconnects.labels(self._name).inc(state.reconnects - self._counted["reconnects"])
        for reason, count in state.dropped.items():
            # frames overtaken are counted anew when the camera was started again
            self._metrics.dropped.labels(self._name, reason).inc(max(0, count - self._counted[reason]))
        self._counted = Counter({**state.dropped, "reconnects": state.reconnects})

    def adaptation(self, event: AdaptationEvent) -> None:
        """Count a step of the adaptation, and how long a round took."""
        if event.kind in _RESULTS:
            self._metrics.adaptations.labels(self._name, event.kind).inc()
        seconds = event.details.get("seconds")
        if event.kind == "retraining-finished" and isinstance(seconds, float):
            self._metrics.adaptation_seconds.labels(self._name).observe(seconds)
        self._metrics.model_version.labels(self._name).info({"version": str(event.model_version)})
