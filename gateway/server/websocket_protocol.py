"""uvicorn's WebSocket protocol, which stops also while a client is just saying good-bye."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket of a client."""

    def shutdown(self) -> None:
        """Called when the server stops. A closing handshake that has begun cannot be begun again: that must not keep
        the server from telling all other connections."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()
