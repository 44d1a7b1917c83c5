"""Carries out what the adaptation's state machine decides, between two frames of one camera."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from configs.method import AdaptationSettings
from models.engine import Head
from models.slot import Slot
from pipeline.adaptation import AdaptationState, advance, initial_state
from pipeline.adaptation_messages import (
    CancelRound,
    Command,
    ConfirmTwin,
    FrameSeen,
    InstallTwin,
    NothingRemembered,
    Order,
    Ordered,
    RejectTwin,
    ReportDegraded,
    ReportFailure,
    RestoreOriginal,
    Resumed,
    RollBack,
    RoundFailed,
    RoundJudged,
    RoundTrained,
    SceneChanged,
    Signal,
    StartRound,
    TryRemembered,
)
from pipeline.library import Twin, TwinLibrary, looks_of, spread, twin_of
from pipeline.retraining.job import Report
from pipeline.retraining.rounds import Failed, Judging, RoundRequest, Rounds, Trained
from pipeline.twin_switch import TwinSwitch
from pipeline.values import Keyframe
from pipeline.window import KeyframeWindow
from stream.events import AdaptationEvent, AdaptationKind

_log = logging.getLogger("livesal.adaptation")

Details = dict[str, float | str]


class Adapter:
    """The adaptation of one camera: window, rounds, slot, library, and the state that ties them.

    Attributes:
        window: the keyframes held.
        library: twins of earlier scenes.
        state: of the state machine.
        keyframes: keyframes seen so far.
        retrainings: rounds finished so far, whatever their outcome.
        swaps: twins swapped in after a round.
        rejected: twins rejected after a round.
        failed: rounds that failed.
        recalled: twins of earlier scenes put back into service.
        rolled_back: twins taken back because they did badly live.
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
        self.library = TwinLibrary(settings.library)
        self.state: AdaptationState = initial_state(settings)
        self.keyframes = self.retrainings = self.swaps = self.rejected = self.failed = 0
        self.recalled = self.rolled_back = 0
        self._camera = camera
        self._adaptable = adaptable
        self._settings = settings
        self._switch = TwinSwitch(slot)
        self._rounds = rounds
        self._wall_clock = wall_clock
        self._learning: Twin | None = None
        self._head: Head | None = None
        self._report: Report | None = None
        self._media_time = 0.0

    @property
    def twin(self) -> Twin | None:
        """The twin in service; None while the original serves alone."""
        return self._switch.twin

    def observe(
        self,
        media_time: float,
        keyframe: Keyframe | None,
        *,
        scene_cut: bool,
        nr: float = 1.0,
        benefit: float | None = None,
    ) -> list[AdaptationEvent]:
        """Take note of a frame, and do what is due before the next one.

        Args:
            media_time: seconds on the stream's clock.
            keyframe: the frame as a keyframe, if it is one.
            scene_cut: whether a new scene begins with it.
            nr: its non-overlapping ratio.
            benefit: of the twin on it; None where it is no keyframe or no twin was in service.

        Returns:
            What there is to tell, in order.
        """
        self._media_time = media_time
        version = self.state.version
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
        if self.state.version != version:  # the frame was computed with what served before
            benefit = None
        events += self._signal(FrameSeen(media_time, len(self.window), added, nr, benefit))
        return events

    def wants(self, keyframe: Keyframe) -> bool:
        """Return whether a keyframe would be kept and learned from."""
        return self.state.phase != "off" and self.window.would_take(keyframe)

    def order(self, order: Order) -> list[AdaptationEvent]:
        """Do what a person asked for, as far as the network allows."""
        if order in {"on", "force"} and not self._adaptable:
            return [self._event("failed", {"reason": "the colour network cannot be retrained"})]
        return list(self._signal(Ordered(self._media_time, order)))

    def resume(self, twin: Twin, head: Head) -> list[AdaptationEvent]:
        """Put a twin of an earlier run into service, with its head."""
        version = self._switch.install(twin, head, fallback=0)
        return [*self._signal(Resumed(self._media_time, version)), self._event("resumed", {"version": version})]

    def begin_anew(self, rounds: Rounds) -> list[AdaptationEvent]:
        """Forget twin and window, and have `rounds` retrain from now on: the camera's pictures have another size."""
        events = list(self._signal(SceneChanged(self._media_time, "another frame size")))
        self._rounds = rounds
        return events

    def _outcome(self) -> Iterator[AdaptationEvent]:
        match self._rounds.poll(self._media_time):
            case Judging():
                yield from self._signal(RoundTrained(self._media_time))
            case Trained(report=report, state=state, head=head, labels=labels):
                self._report, self._head = report, head
                self.window.teach(labels)
                if not self.state.recalling:
                    self.retrainings += 1
                    if self._learning is not None:
                        self._learning = replace(self._learning, state=state)
                    yield self._event("retraining-finished", _figures(report))
                yield from self._signal(RoundJudged(self._media_time, report, self._switch.next_version))
            case Failed(reason=reason):
                yield from self._signal(RoundFailed(self._media_time, reason))
            case None:
                pass

    def _signal(self, signal: Signal) -> Iterator[AdaptationEvent]:
        recalling = self.state.recalling
        self.state, commands = advance(self.state, signal, self._settings)
        for command in commands:
            yield from self._carry_out(command, recalling=recalling)

    def _carry_out(self, command: Command, *, recalling: bool) -> Iterator[AdaptationEvent]:
        match command:
            case StartRound():
                yield from self._start()
            case TryRemembered():
                yield from self._try()
            case CancelRound():
                self._rounds.cancel()
            case InstallTwin(fallback=fallback, remembered=remembered):
                yield from self._install(fallback, remembered=remembered)
            case RejectTwin(reason=reason):
                self._head = None
                self.rejected += not recalling
                yield self._event("not-recalled" if recalling else "rejected", {"reason": reason})
            case ConfirmTwin():
                self._switch.confirm()
            case RollBack(version=version, reason=reason):
                self._switch.roll_back(version)
                self.rolled_back += 1
                yield self._event("rolled-back", {"reason": reason})
            case RestoreOriginal(reason=reason, remember=remember):
                self._leave(remember=remember)
                yield self._event("reset", {"reason": reason})
            case ReportFailure() | ReportDegraded():
                yield self._failure(command)

    def _start(self) -> Iterator[AdaptationEvent]:
        keyframes = tuple(self.window)
        base = self.twin.state if self.twin is not None else {}
        self._learning = twin_of({}, keyframes)
        self._rounds.start(RoundRequest(self.window, base, self.retrainings), self._media_time)
        yield self._event("retraining-started", {"keyframes": len(keyframes)})

    def _try(self) -> Iterator[AdaptationEvent]:
        """Have the nearest remembered twin judged, if one is near."""
        keyframes = tuple(self.window)
        height, width = keyframes[0].label.shape
        self._learning = self.library.find(looks_of(keyframes), (height, width))
        if self._learning is None:
            yield from self._signal(NothingRemembered(self._media_time))
        else:
            request = RoundRequest(keyframes, self._learning.state, self.retrainings, trial=True)
            self._rounds.start(request, self._media_time)

    def _install(self, fallback: int, *, remembered: bool) -> Iterator[AdaptationEvent]:
        if self._learning is None or self._head is None or self._report is None:
            return
        self._switch.install(self._learning, self._head, fallback)
        self._learning = self._head = None
        if remembered:
            self.recalled += 1
            yield self._event("recalled", _figures(self._report))
        else:
            self.swaps += 1
            yield self._event("swapped", {"keyframes": self._report.keyframes})

    def _failure(self, command: ReportFailure | ReportDegraded) -> AdaptationEvent:
        if isinstance(command, ReportFailure):
            self.failed += 1
            return self._event("failed", {"reason": command.reason})
        failures = max(self.state.failures, self.state.roll_backs)
        return self._event("degraded", {"reason": command.reason, "failures": failures})

    def _leave(self, *, remember: bool) -> None:
        """Go back to the original and an empty window; what served is remembered, or everything is forgotten."""
        if not remember:
            self.library.clear()
        elif self.twin is not None:
            looks = spread([*self.twin.looks, *looks_of(self.window)])
            self.library.remember(replace(self.twin, looks=looks))
        self._switch.clear()
        self.window.clear()

    def _event(self, kind: AdaptationKind, details: Details) -> AdaptationEvent:
        return AdaptationEvent(
            camera=self._camera,
            kind=kind,
            time=self._wall_clock(),
            media_time=self._media_time,
            model_version=self._switch.version,
            details=details,
        )


def _figures(report: Report) -> Details:
    """Return what a round or a trial came to."""
    names = ("seconds", "iterations", "keyframes", "held_out", "error_before", "error_after")
    more = ("flips_before", "flips_after", "invented_before", "invented_after", "contradicted")
    return {name: getattr(report, name) for name in (*names, *more)}
