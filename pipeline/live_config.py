"""The configuration while livesal runs: changed over HTTP or in its file, checked whole, kept, then made."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel

from configs.edit import merge_patch
from configs.errors import CameraExistsError, ConfigError
from configs.settings import Settings
from configs.source import SourceSettings
from configs.store import ConfigStore
from pipeline.camera_set import CameraSet, Difference
from stream.control import ConfigReport, ConfigResult
from stream.errors import SourceError
from stream.metrics import Metrics
from stream.redaction import redact_text

T = TypeVar("T")

_log = logging.getLogger("livesal.config")

LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks at the file."""
_LIVE: Final = ("cameras", "log")
"""Sections that can change without a restart."""


class LiveConfig:
    """Implements `stream.control.CameraControl`; its task watches the file. One change at a time.

    Attributes:
        settings: that are in force.
    """

    def __init__(
        self,
        settings: Settings,
        store: ConfigStore,
        cameras: CameraSet,
        metrics: Metrics,
        on_change: Callable[[Settings, Difference], None],
    ) -> None:
        """Begin with what is in force at the start.

        Args:
            settings: that the service was started with.
            store: where changes are kept.
            cameras: those that run.
            metrics: where looks at the file are counted.
            on_change: told of each change just before it is made.
        """
        self.settings = settings
        self._store = store
        self._cameras = cameras
        self._metrics = metrics
        self._on_change = on_change
        now = time.time()
        file = str(store.path) if store.path else None
        self._report = ConfigReport(file=file, result="applied", time=now, in_force_since=now)
        self._one_at_a_time = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="config")
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to watch the file, if there is one."""
        self._stack.callback(self._thread.shutdown, wait=False)
        await self._stack.enter_async_context(self._tasks)
        if self._store.path is not None:
            watching = self._tasks.create_task(self._watch(), name="watch the configuration")
            self._stack.callback(watching.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def report(self) -> ConfigReport:
        """Return what became of the configuration when it was last looked at."""
        return self._report

    def camera_settings(self, name: str) -> SourceSettings:
        """Return the settings of one camera that are in force; see `CameraControl`."""
        self._known(name)
        return self.settings.cameras[name]

    async def add_camera(self, name: str, section: Mapping[str, Any]) -> SourceSettings:
        """Add a camera; see `CameraControl`."""
        async with self._one_at_a_time:
            if name in self._cameras:
                message = f"there is a camera '{name}' already; PUT or PATCH /api/cameras/{name} changes it"
                raise CameraExistsError(message)
            return await self._change(name, section)

    async def replace_camera(self, name: str, section: Mapping[str, Any]) -> SourceSettings:
        """Give a camera other settings in place of all of its own; see `CameraControl`."""
        async with self._one_at_a_time:
            self._known(name)
            return await self._change(name, section)

    async def patch_camera(self, name: str, patch: Mapping[str, Any]) -> SourceSettings:
        """Change a camera's settings by a JSON merge patch; see `CameraControl`."""
        async with self._one_at_a_time:
            self._known(name)
            written = await self._on_thread(lambda: self._store.written(name))
            return await self._change(name, merge_patch(written, patch))

    async def remove_camera(self, name: str) -> None:
        """Take a camera out; see `CameraControl`."""
        async with self._one_at_a_time:
            self._known(name)
            await self._keep_and_make(name, None)

    async def reload(self) -> ConfigReport:
        """Read the configuration again and make what changed in it; see `CameraControl`.

        Raises:
            ConfigError: it cannot be used, and the old one stays.
            SourceError: likewise, because of a camera's URL.
        """
        async with self._one_at_a_time:
            try:
                settings = await self._on_thread(self._store.reload)
                self._cameras.check(settings.cameras)
            except (ConfigError, SourceError) as error:
                reason = redact_text(str(error))
                self._look("refused", error=reason)
                _log.error("the configuration was refused, the old one stays: %s", reason)
                raise
            await self._make(settings)
            return self._report

    async def try_reload(self) -> None:
        """Read the configuration again; one that cannot be used is reported, which is all."""
        with suppress(ConfigError, SourceError):  # `reload` has said it
            await self.reload()

    def _known(self, name: str) -> None:
        self._cameras[name]  # raises for an unknown one

    async def _change(self, name: str, section: Mapping[str, Any]) -> SourceSettings:
        await self._keep_and_make(name, section)
        return self.settings.cameras[name]

    async def _keep_and_make(self, name: str, section: Mapping[str, Any] | None) -> None:
        """Check the whole with the change in it, write it, then make it."""
        plan = await self._on_thread(lambda: self._store.plan(name, section))
        self._cameras.check(plan.settings.cameras)
        await self._on_thread(lambda: self._store.commit(plan))
        if self._store.path is None:
            _log.warning("camera '%s': the change is kept in memory only; a restart forgets it", name)
        await self._make(plan.settings)

    async def _make(self, wanted: Settings) -> None:
        """Make the part of `wanted` that can be made now; the rest waits for a restart, and is named."""
        difference = Difference.between(self.settings.cameras, wanted.cameras)
        live = {section: getattr(wanted, section) for section in _LIVE}
        waiting = tuple(sorted(_differing(self.settings, wanted, _LIVE)))
        changed = any(getattr(self.settings, section) != live[section] for section in _LIVE)
        news = set(waiting) - set(self._report.needs_restart)
        self.settings = self.settings.model_copy(update=live)
        self._look("applied" if changed else "unchanged", waiting=waiting)
        self._on_change(self.settings, difference)
        await self._cameras.apply(self.settings, difference)
        if changed:
            _log.info(
                "configuration applied: added %s, removed %s, changed %s",
                *(", ".join(names) or "none" for names in (difference.added, difference.removed, difference.changed)),
            )
        if news:
            _log.warning("the configuration has changes that need a restart: %s", ", ".join(waiting))

    def _look(self, result: ConfigResult, *, error: str = "", waiting: tuple[str, ...] | None = None) -> None:
        self._metrics.reloads.labels(result).inc()
        self._metrics.reload_successful.set(result != "refused")
        now = time.time()
        self._report = replace(
            self._report,
            result=result,
            time=now,
            in_force_since=now if result == "applied" else self._report.in_force_since,
            error=error,
            needs_restart=self._report.needs_restart if waiting is None else waiting,
        )

    async def _watch(self) -> None:
        """Look at the file again and again."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            if not self._one_at_a_time.locked() and await self._on_thread(self._store.differs):
                await self.try_reload()

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _differing(old: BaseModel, new: BaseModel, leave_out: tuple[str, ...] = (), prefix: str = "") -> list[str]:
    """Return the dotted keys of settings that differ."""
    found = []
    for key in type(old).model_fields:
        before, after = getattr(old, key), getattr(new, key)
        if key in leave_out or before == after:
            continue
        found += (
            _differing(before, after, prefix=f"{prefix}{key}.")
            if isinstance(before, BaseModel) and type(before) is type(after)
            else [f"{prefix}{key}"]
        )
    return found
