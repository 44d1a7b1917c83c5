"""Programs of others that tests run, and what they say."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path


async def run(
    *words: str, feed: bytes = b"", variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and all that it said."""
    environment = {**os.environ, **(variables or {})}
    process = await asyncio.create_subprocess_exec(
        *words, stdin=PIPE, stdout=PIPE, stderr=STDOUT, env=environment, cwd=folder
    )
    said, _ = await process.communicate(feed)
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")
