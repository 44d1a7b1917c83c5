"""Prometheus metrics of the whole service, by the names that dashboards rely on."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.metrics import MetricWrapperBase

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `Metrics.text` returns."""

_STAGE_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
_AGE_BUCKETS: Final = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
_ROUND_BUCKETS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """One registry with every metric of livesal, so that two services in one process do not meet.

    Attributes:
        frames: through each stage.
        dropped: frames that were dropped, by reason.
        stage_seconds: time that a stage took for a frame.
        frame_age: from decoding a frame to its saliency map, seconds.
        source_up: 1 while a camera's frames are coming.
        reconnects: of a camera's source.
        adaptations: rounds of retraining, by result.
        adaptation_seconds: how long a round took.
        model_version: of the twin in service.
        sessions: WebRTC viewers of a view.
        encoders: running encoders of a view.
        encodes: pictures coded, whatever the number of viewers.
        still_streams: MJPEG viewers of a view.
        reloads: looks at the configuration, by result.
        reload_successful: 1 unless the last look found what cannot be used.
        push_up: 1 while an SFU takes a view that is pushed to it.
        push_failures: tries and sessions that failed.
        mqtt_connected: 1 while the broker is there.
        clips: of events, by what became of them.
        deliveries: events for files and webhooks, by what became of them.
    """

    def __init__(self) -> None:
        """Make a registry with all metrics at zero."""
        registry = CollectorRegistry()
        self.registry = registry
        self.frames = Counter("livesal_frames", "Frames through a stage", ["camera", "stage"], registry=registry)
        self.dropped = Counter("livesal_frames_dropped", "Frames dropped", ["camera", "reason"], registry=registry)
        self.stage_seconds = Histogram(
            "livesal_stage_duration_seconds",
            "Time that a stage took for a frame",
            ["camera", "stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self.frame_age = Histogram(
            "livesal_frame_age_seconds",
            "From decoding a frame to its saliency map",
            ["camera"],
            buckets=_AGE_BUCKETS,
            registry=registry,
        )
        self.source_up = Gauge("livesal_source_up", "Whether frames are coming", ["camera"], registry=registry)
        self.reconnects = Counter("livesal_source_reconnects", "Reconnects", ["camera"], registry=registry)
        self.adaptations = Counter("livesal_adaptations", "Retrainings", ["camera", "result"], registry=registry)
        self.adaptation_seconds = Histogram(
            "livesal_adaptation_duration_seconds",
            "How long a retraining took",
            ["camera"],
            buckets=_ROUND_BUCKETS,
            registry=registry,
        )
        self.model_version = Info("livesal_model_version", "Twin in service", ["camera"], registry=registry)
        self.sessions = Gauge("livesal_webrtc_sessions", "WebRTC viewers", ["camera", "view"], registry=registry)
        self.encoders = Gauge("livesal_encoders", "Running encoders", ["camera", "view"], registry=registry)
        self.encodes = Counter("livesal_encodes", "Pictures coded", ["camera", "view"], registry=registry)
        self.still_streams = Gauge("livesal_mjpeg_streams", "MJPEG viewers", ["camera", "view"], registry=registry)
        self.reloads = Counter("livesal_config_reloads", "Looks at the configuration", ["result"], registry=registry)
        self.reload_successful = Gauge(
            "livesal_config_last_reload_successful",
            "Whether the configuration as it is written now could be taken",
            registry=registry,
        )
        self.reload_successful.set(1)
        pushed = ["camera", "view", "target"]
        self.push_up = Gauge("livesal_push_up", "Whether an SFU takes a view", pushed, registry=registry)
        self.push_failures = Counter("livesal_push_failures", "Failed pushes to an SFU", pushed, registry=registry)
        self.mqtt_connected = Gauge("livesal_mqtt_connected", "Whether the broker is there", registry=registry)
        self.clips = Counter("livesal_clips", "Clips of events", ["camera", "result"], registry=registry)
        self.deliveries = Counter(
            "livesal_event_deliveries", "Events for files and webhooks", ["sink", "result"], registry=registry
        )

    def forget(self, camera: str) -> None:
        """Show nothing of `camera` any more; what was counted of it is gone."""
        for metric in vars(self).values():
            if isinstance(metric, MetricWrapperBase) and "camera" in metric._labelnames:  # noqa: SLF001 - not public
                metric.remove_by_labels({"camera": camera})

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
