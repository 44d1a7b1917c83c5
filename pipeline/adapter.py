"""Carries out what the adaptation's state machine decides, between two frames of one camera."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from torch import Tensor

from configs.method import AdaptationSettings
from models.engine import Head
from models.slot import Slot
from pipeline.adaptation import (
    AdaptationState,
    CancelRound,
    Command,
    FrameSeen,
    InstallTwin,
    Ordered,
    RejectTwin,
    ReportFailure,
    RestoreOriginal,
    Resumed,
    RoundFailed,
    RoundJudged,
    RoundTrained,
    SceneChanged,
    Signal,
    StartRound,
    advance,
    initial_state,
)
from pipeline.retraining.rounds import Failed, Judging, RoundRequest, Rounds, Trained
from pipeline.values import Keyframe
from pipeline.window import KeyframeWindow
from stream.events import AdaptationEvent, AdaptationKind

_log = logging.getLogger("livesal.adaptation")

Details = dict[str, float | str]


class Adapter:
    """The adaptation of one camera: window, rounds, slot, and the state that ties them.

    Attributes:
        window: the keyframes held.
        state: of the state machine.
        keyframes: keyframes seen so far.
        retrainings: rounds finished so far, whatever their outcome.
        swaps: twins swapped in.
        rejected: twins rejected.
        failed: rounds that failed.
    """

    def __init__(
        self,
        camera: str,
        settings: AdaptationSettings,
        slot: Slot,
        rounds: Rounds,
        wall_clock: Callable[[], float] = time.time,
        *,
        adaptable: bool = True,
    ) -> None:
        """Begin without a twin and with an empty window; where the network is not `adaptable`, adaptation stays off."""
        if settings.enabled and not adaptable:
            _log.warning("%s: the colour network cannot be retrained: it is served as it is, adaptation is off", camera)
            settings = settings.model_copy(update={"enabled": False})
        self.window = KeyframeWindow(settings.window)
        self.state: AdaptationState = initial_state(settings)
        self.keyframes = self.retrainings = self.swaps = self.rejected = self.failed = 0
        self._camera = camera
        self._adaptable = adaptable
        self._settings = settings
        self._slot = slot
        self._rounds = rounds
        self._wall_clock = wall_clock
        self._weights: Mapping[str, Tensor] = {}
        self._trained: Trained | None = None
        self._media_time = 0.0

    def observe(self, media_time: float, keyframe: Keyframe | None, *, scene_cut: bool) -> list[AdaptationEvent]:
        """Take note of a frame, and do what is due before the next one.

        Args:
            media_time: seconds on the stream's clock.
            keyframe: the frame as a keyframe, if it is one.
            scene_cut: whether a new scene begins with it.

        Returns:
            What there is to tell, in order.
        """
        self._media_time = media_time
        events = list(self._outcome())
        if scene_cut:
            events += self._signal(SceneChanged(media_time))
        added = False
        if keyframe is not None:
            self.keyframes += 1
            held = len(self.window)
            added = self.window.offer(keyframe)
            if added:
                events.append(self._event("keyframe", {"nr": keyframe.nr, "window": len(self.window)}))
            if held < self._settings.window.capacity == len(self.window):
                events.append(self._event("window-filled", {"window": len(self.window)}))
        events += self._signal(FrameSeen(media_time, len(self.window), added))
        return events

    def order(self, order: Literal["on", "off", "reset", "force"]) -> list[AdaptationEvent]:
        """Do what a person asked for, as far as the network allows."""
        if order in {"on", "force"} and not self._adaptable:
            return [self._event("failed", {"reason": "the colour network cannot be retrained"})]
        return list(self._signal(Ordered(self._media_time, order)))

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The weights of the twin in service that differ from the original's; empty while none serves."""
        return self._weights

    def resume(self, state: Mapping[str, Tensor], head: Head) -> list[AdaptationEvent]:
        """Put a twin of an earlier run into service: its weights and its head."""
        version = self._slot.swap(head)
        self._weights = state
        return [*self._signal(Resumed(self._media_time, version)), self._event("resumed", {"version": version})]

    def begin_anew(self, rounds: Rounds) -> list[AdaptationEvent]:
        """Forget twin and window, and have `rounds` retrain from now on: the camera's pictures have another size."""
        events = list(self._signal(SceneChanged(self._media_time, "another frame size")))
        self._rounds = rounds
        return events

    def _outcome(self) -> Iterator[AdaptationEvent]:
        outcome = self._rounds.poll(self._media_time)
        match outcome:
            case Judging():
                yield from self._signal(RoundTrained(self._media_time))
            case Trained(report=report):
                self.retrainings += 1
                self._trained = outcome
                figures: Details = {
                    "seconds": report.seconds,
                    "iterations": report.iterations,
                    "keyframes": report.keyframes,
                    "held_out": report.held_out,
                    "error_before": report.error_before,
                    "error_after": report.error_after,
                }
                yield self._event("retraining-finished", figures)
                version = self._slot.next_version
                yield from self._signal(RoundJudged(self._media_time, report.error_before, report.error_after, version))
            case Failed(reason=reason):
                yield from self._signal(RoundFailed(self._media_time, reason))
            case None:
                pass

    def _signal(self, signal: Signal) -> Iterator[AdaptationEvent]:
        self.state, commands = advance(self.state, signal, self._settings)
        for command in commands:
            yield from self._carry_out(command)

    def _carry_out(self, command: Command) -> Iterator[AdaptationEvent]:
        match command:
            case StartRound():
                self._rounds.start(RoundRequest(self.window, self._weights, self.retrainings), self._media_time)
                yield self._event("retraining-started", {"keyframes": len(self.window)})
            case CancelRound():
                self._rounds.cancel()
            case InstallTwin():
                yield from self._install()
            case RejectTwin(reason=reason):
                self.rejected += 1
                self._trained = None
                yield self._event("rejected", {"reason": reason})
            case RestoreOriginal(reason=reason):
                self._slot.clear()
                self._weights = {}
                self.window.clear()
                yield self._event("reset", {"reason": reason})
            case ReportFailure(reason=reason, degraded=degraded):
                self.failed += 1
                yield self._event("failed", {"reason": reason})
                if degraded:
                    yield self._event("degraded", {"reason": reason, "failures": self.state.failures})

    def _install(self) -> Iterator[AdaptationEvent]:
        trained, self._trained = self._trained, None
        if trained is None:
            return
        self._slot.swap(trained.head)
        self._weights = trained.state
        self.swaps += 1
        yield self._event("swapped", {"keyframes": trained.report.keyframes})

    def _event(self, kind: AdaptationKind, details: Details) -> AdaptationEvent:
        return AdaptationEvent(
            camera=self._camera,
            kind=kind,
            time=self._wall_clock(),
            media_time=self._media_time,
            model_version=self._slot.installed.version,
            details=details,
        )
