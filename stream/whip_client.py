"""The HTTP side of publishing by WHIP (RFC 9725): an offer goes, an answer and a session come."""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Final

import httpx
from pydantic import SecretStr

from stream.errors import PushError

# httpx writes the whole URL of every request, and httpcore the session's: both may be secret.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_log = logging.getLogger(__name__)

_SDP: Final = "application/sdp"
_REDIRECTS: Final = 5
_TIMEOUT: Final = 10.0
_GOODBYE: Final = 2.0
"""Seconds that a goodbye may take: nothing waits for it gladly."""
_LONGEST_ANSWER: Final = 64 * 1024
_LONGEST_DETAIL: Final = 200


@dataclass(frozen=True, slots=True)
class Publication:
    """What an SFU took.

    Attributes:
        answer: its SDP.
        session: URL of the session; whoever knows it can end it.
    """

    answer: str
    session: httpx.URL


class WhipClient:
    """Publishes at one WHIP endpoint."""

    def __init__(self, http: httpx.AsyncClient, url: SecretStr, token: SecretStr | None) -> None:
        """Make a client that shows `token` to the server of `url` and to no other."""
        self._http = http
        self._url = httpx.URL(url.get_secret_value())
        self._token = token.get_secret_value() if token else ""

    async def publish(self, offer: str) -> Publication:
        """Send an offer; redirects are followed.

        Raises:
            PushError: it was not taken.
        """
        url = self._url
        for _ in range(_REDIRECTS):
            answer = await self._send("POST", url, offer)
            if answer.status_code not in {307, 308}:
                return self._read(answer)
            url = self._resolve(answer)
        message = f"the SFU redirects more than {_REDIRECTS} times"
        raise PushError(message)

    async def leave(self, publication: Publication) -> None:
        """End a session; if that fails, the SFU finds out by itself."""
        try:
            async with asyncio.timeout(_GOODBYE):
                await self._send("DELETE", publication.session)
        except (PushError, TimeoutError) as error:
            _log.info("%s was not told of the end (%s)", publication.session.host, error or "no answer")

    async def _send(self, method: str, url: httpx.URL, content: str | None = None) -> httpx.Response:
        headers = {"Content-Type": _SDP} if content is not None else {}
        if self._token and _origin(url) == _origin(self._url):
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            return await self._http.request(method, url, content=content, headers=headers, timeout=_TIMEOUT)
        except httpx.HTTPError as error:
            message = f"{url.host} does not answer ({self._mask(str(error)) or type(error).__name__})"
            raise PushError(message) from None

    def _read(self, answer: httpx.Response) -> Publication:
        if answer.status_code != httpx.codes.CREATED:
            message = f"{answer.url.host} refuses the view: {self._explain(answer)}"
            raise PushError(message, _seconds(answer.headers.get("Retry-After", "")))
        if not answer.text.startswith("v=0") or len(answer.content) > _LONGEST_ANSWER:
            message = f"{answer.url.host} answers 201 without an SDP answer"
            raise PushError(message)
        return Publication(answer.text, self._resolve(answer))

    def _resolve(self, answer: httpx.Response) -> httpx.URL:
        try:
            location = httpx.URL(answer.headers["Location"])
            return answer.url.join(location)
        except (KeyError, httpx.InvalidURL):
            message = f"{answer.url.host} answers {answer.status_code} without a usable Location"
            raise PushError(message) from None

    def _explain(self, answer: httpx.Response) -> str:
        """Return the status and, of problem details (RFC 9457), what they say."""
        status = f"{answer.status_code} {answer.reason_phrase}".strip()
        if answer.status_code in {401, 403}:
            status += "; see the push's token"
        try:
            detail = json.loads(answer.content)["detail"]
        except (ValueError, KeyError, TypeError):
            return status
        return f"{status}: {self._mask(str(detail))[:_LONGEST_DETAIL]}"

    def _mask(self, text: str) -> str:
        """Return `text`, which another program wrote, without our secrets."""
        for secret in (self._token, str(self._url), self._url.raw_path.decode().lstrip("/"), self._url.password):
            text = text.replace(secret, "***") if secret else text
        return text


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
