"""WebRTC viewers: from a player's offer to a session that ends with its player, its view or its owner."""

from contextlib import AsyncExitStack
from typing import Final

from configs.output import WebRtcSettings
from stream.errors import TooManyViewersError
from stream.offer import PlayerOffer
from stream.sessions import CONNECT_TIMEOUT, Session, Sessions
from stream.video_sender import send_view
from stream.views import ViewHub

_VIEWER: Final = "viewer"


class WebRtcSessions(Sessions):
    """The sessions of a service, and the views that viewers are given."""

    def __init__(self, hub: ViewHub, settings: WebRtcSettings, *, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        """Make a room for at most `settings.maximum_viewers` viewers; one unconnected after the timeout is ended."""
        super().__init__(settings, connect_timeout)
        self._hub = hub
        self._opening = 0

    def check(self, camera: str, view: str) -> None:
        """Do nothing if there is such a view.

        Raises:
            UnknownNameError: no such camera or view; the message lists what there is.
        """
        self._hub.check(camera, view)

    async def open(self, camera: str, view: str, offer: PlayerOffer) -> Session:
        """Answer a player's offer: all our candidates are in the answer, and the media follows it.

        Raises:
            UnknownNameError: no such camera or view.
            TooManyViewersError: the limit is reached.
            SessionError: the offer cannot be answered.
        """
        self._hub.check(camera, view)
        if self.count(_VIEWER) + self._opening >= self.settings.maximum_viewers:
            message = f"all {self.settings.maximum_viewers} places for viewers are taken; try again later"
            raise TooManyViewersError(message)
        self._opening += 1
        session = Session(_VIEWER, (camera, view), self.connection())
        try:
            async with AsyncExitStack() as resources:
                viewer = resources.enter_context(self._hub.watch(camera, view, offer.codec))
                send_view(session.connection, viewer, offer.codec).on("ended", session.ended.set)
                await self.answer(session, offer, resources)
        finally:
            self._opening -= 1
        return session
