"""Where a subgraph is, and within which bounds it is called."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from gateway.errors import CodedError, ErrorCode, Family
from gateway.tls_files import WatchedTls

SUBGRAPH_ADDRESS_INVALID = ErrorCode(
    "SUBGRAPH_ADDRESS_INVALID", Family.SETTINGS,
    "The address of a subgraph is not one that the gateway can call.",
    "Give an address such as `https://host:port/graphql`, in the supergraph or in the setting `subgraphs.NAME.url`.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """A subgraph's address, taken apart and checked. ``authority`` is what the header Host says."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str

    @property
    def url(self) -> str:
        """The whole address again."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.target}"


def parse_address(subgraph: str, url: str) -> Address:
    """Takes ``url`` apart. Raises CodedError SUBGRAPH_ADDRESS_INVALID naming the subgraph and what is wrong."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid(subgraph, "its port or host cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise _invalid(subgraph, "it does not begin with http:// or https://")
    if not parts.hostname:
        raise _invalid(subgraph, "it names no host")
    if parts.username is not None or parts.password is not None:
        raise _invalid(subgraph, "it holds a user name or password; credentials belong into settings")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise _invalid(subgraph, "it holds a character that must be percent-encoded")
    secure = parts.scheme == "https"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(secure, parts.hostname, port or (443 if secure else 80), authority, target)


def _invalid(subgraph: str, what: str) -> CodedError:
    return CodedError(SUBGRAPH_ADDRESS_INVALID, f"The address of subgraph {subgraph}: {what}.", {"subgraph": subgraph})


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Bounds on one subgraph's connections and answers: counts, bytes and seconds.

    ``timeout`` bounds a call whose request would allow more. ``idle`` is how long a connection is kept without use,
    ``age`` how long with it: a name may come to mean another address.
    """

    connections: int = 64
    timeout: float = 30.0
    connect_timeout: float = 3.0
    idle: float = 20.0
    age: float = 300.0
    header_bytes: int = 32_768
    answer_bytes: int = 32_000_000


@dataclass(frozen=True, slots=True)
class SubgraphRoute:
    """How one subgraph is reached.

    ``tls`` is None for the system's trust alone. ``proxy`` is the address of an HTTP proxy.
    ``direct`` False asks for aiohttp where the direct client would do. ``streams`` is how subscriptions come: as an
    HTTP answer that streams, or over a WebSocket with graphql-transport-ws. ``compressed`` asks the subgraph for gzip:
    worth it over slow lines only; a compressed answer is understood in any case.
    """

    address: Address
    tls: WatchedTls | None = None
    proxy: str | None = None
    direct: bool = True
    streams: Literal["http", "websocket"] = "http"
    compressed: bool = False
    limits: TransportLimits = field(default_factory=TransportLimits)
