"""The networks of one service: loaded once, served once per working size, shared by its cameras."""

import asyncio
from concurrent.futures import Executor

import torch

from configs.method import MethodSettings
from models.engine import Servable, ServedNetwork, serve
from models.loading import load_servable
from models.registry import FlowEstimator, flow_entry
from models.saliency_model import SaliencyModel

CONTRAST = "contrast"
"""Name that asks for the conventional motion saliency (Eq. (4)) in a motion network's place."""


def choose_device(wanted: str) -> str:
    """Return `cpu` or `cuda`; `auto` takes a GPU when torch sees one."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


class Networks:
    """Loads and serves networks on demand; building happens in an executor."""

    def __init__(self, settings: MethodSettings, executor: Executor) -> None:
        """Hold the settings; nothing is loaded yet."""
        self.settings = settings
        self._executor = executor
        self._device = choose_device(settings.device)
        self._models: dict[str, SaliencyModel | Servable] = {}
        self._served: dict[tuple[str, tuple[int, int]], ServedNetwork] = {}
        self._building = asyncio.Lock()

    async def load(self) -> None:
        """Load the networks that the settings name, so that what is wrong with them is known before frames come.

        Raises:
            ModelError: one cannot be loaded.
        """
        names = {self.settings.colour, self.settings.motion} - {CONTRAST}
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self.flow)
        for name in sorted(names):
            self._models[name] = await loop.run_in_executor(self._executor, load_servable, name)

    async def prepare(self, size: tuple[int, int]) -> None:
        """Serve both networks for images of `size` = (h, w), so that a first frame need not wait for them.

        Raises:
            ModelError: one cannot be served.
        """
        await self.colour(size)
        await self.motion(size)

    async def colour(self, size: tuple[int, int]) -> ServedNetwork:
        """Return the colour network for images of `size` = (h, w).

        Raises:
            ModelError: it cannot be loaded or served.
        """
        return await self._get(self.settings.colour, size)

    async def motion(self, size: tuple[int, int]) -> ServedNetwork | None:
        """Return the motion network for coded flow of `size`, or None where the conventional contrast is wanted.

        Raises:
            ModelError: it cannot be loaded or served.
        """
        return None if self.settings.motion == CONTRAST else await self._get(self.settings.motion, size)

    def flow(self) -> FlowEstimator:
        """Return a new flow estimator, for one thread.

        Raises:
            ModelError: it cannot be made.
        """
        return flow_entry(self.settings.flow).build()

    async def _get(self, name: str, size: tuple[int, int]) -> ServedNetwork:
        async with self._building:
            if (name, size) not in self._served:
                loop = asyncio.get_running_loop()
                self._served[name, size] = await loop.run_in_executor(self._executor, self._build, name, size)
            return self._served[name, size]

    def _build(self, name: str, size: tuple[int, int]) -> ServedNetwork:
        return serve(self._models[name], size, self._device)
