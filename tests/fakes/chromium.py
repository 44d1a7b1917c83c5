"""A real Chromium that plays WHEP views."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from playwright.async_api import Browser, Page, async_playwright

_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-dev-shm-usage",
]
_FAKE_WEBCAM = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
"""A webcam that everybody may use; its picture is green, with a pie that turns and the time."""

_PLAY = """async (endpoint) => {
  const { WhepPlayer } = await import("/preview/whep.js");
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  window.players ??= [];
  window.players.push(new WhepPlayer(video, (notice) => (video.dataset.notice = notice)));
  window.players.at(-1).play(endpoint);
  await new Promise((seen) => video.requestVideoFrameCallback(seen));
}"""

_WATCH = """async ([seconds, width, height]) => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [pictures, counts] = [[], []];
  const end = performance.now() + seconds * 1000;
  await new Promise((done) => {
    const look = (now) => {
      const statistics = video.getVideoPlaybackQuality();
      counts.push([now, statistics.totalVideoFrames]);
      if (counts.length % 5 === 1) {
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        pictures.push(canvas.toDataURL("image/png").split(",")[1]);
      }
      if (now < end) video.requestVideoFrameCallback(look);
      else done();
    };
    video.requestVideoFrameCallback(look);
  });
  return { pictures, counts };
}"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a page saw: every fifth picture, and for each the browser's clock in ms and how many it has decoded."""

    pictures: list[np.ndarray]
    counts: list[tuple[float, int]]

    @property
    def frames(self) -> int:
        """How many pictures were decoded meanwhile."""
        return self.counts[-1][1] - self.counts[0][1]

    def rising(self, seconds: int) -> bool:
        """Whether more pictures came in each of the first `seconds` seconds."""
        start = self.counts[0][0]
        within = [
            [frames for when, frames in self.counts if second <= (when - start) / 1000 < second + 1]
            for second in range(seconds)
        ]
        return all(frames and frames[-1] > frames[0] for frames in within)


@asynccontextmanager
async def chromium(*, webcam: bool = False) -> AsyncIterator[Browser]:
    """Run the browser, with a webcam if asked for."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*_FLAGS, *(_FAKE_WEBCAM if webcam else [])]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def bare_page(browser: Browser, url: str) -> Page:
    """Return a page of the origin `url` without the preview."""
    page = await browser.new_page()
    await page.goto(f"{url}/healthz")
    return page


async def play(page: Page, endpoint: str) -> None:
    """Play a WHEP endpoint in a new video element; done when its first picture is shown."""
    await page.evaluate(_PLAY, endpoint)


async def watch(page: Page, seconds: float, size: tuple[int, int]) -> Watched:
    """Look at the page's first video for a while, its pictures at `size` = (height, width)."""
    seen = await page.evaluate(_WATCH, [seconds, size[1], size[0]])
    counts = [(float(when), int(frames)) for when, frames in seen["counts"]]
    return Watched([read_png(encoded) for encoded in seen["pictures"]], counts)


def read_png(encoded: str) -> np.ndarray:
    """Return a base64 PNG as (H, W, 3) RGB."""
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[:, :, ::-1]
