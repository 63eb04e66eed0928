"""What trusted proxies say about their clients: the address, the scheme, and the certificate of TLS they ended.

Anybody can write these headers, so they are believed only on connections that come from a trusted proxy, and only those
that the settings name: a proxy that writes one kind passes another kind on as its client wrote it. The proxy's own
certificate, if it shows one, says that it is the proxy; it never names a caller.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from gateway.errors import CodedError
from gateway.server.headers import CLIENT_CERTIFICATE
from gateway.settings import SETTINGS_INVALID

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_SCHEMES = {"http": ("http", "ws"), "https": ("https", "wss")}
# One pair of RFC 7239: a token or a quoted string after the name.
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*')
_MOST = 16_384


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy said about who sent it the request."""

    address: str
    scheme: str | None = None


class TrustedProxies:
    """An application in front of which trusted proxies may stand.

    ``proxies`` are addresses and networks, ``header`` the kind of header that tells, ``certificates`` whether they tell
    client certificates. Raises CodedError SETTINGS_INVALID where one of ``proxies`` is no address.
    """

    def __init__(
        self, application: ASGIApplication, proxies: Sequence[str], header: str = "x-forwarded", *, certificates: bool
    ) -> None:
        self._application = application
        self._networks = [_network(text) for text in proxies]
        self._read = _hops_forwarded if header == "forwarded" else _hops_x_forwarded
        self._certificates = certificates
        self._trusts = lru_cache(4_096)(self._is_trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(self.look(scope), receive, send)

    def look(self, scope: Scope) -> Scope:
        """The scope with what a trusted proxy says in it."""
        peer = scope.get("client")
        return {**scope, **self._told(scope, peer)} if peer is not None and self._trusts(peer[0]) else scope

    def _told(self, scope: Scope, peer: tuple[str, int]) -> dict[str, Any]:
        state = {**scope.get("state", {})}
        state.pop(CLIENT_CERTIFICATE, None)
        if self._certificates and (shown := _certificate_in(scope["headers"])) is not None:
            state[CLIENT_CERTIFICATE] = shown
        told: dict[str, Any] = {"state": state}
        hops = self._read(scope["headers"])
        # The nearest proxy wrote last. Each word is worth as much as the proxy that wrote it.
        for number, hop in enumerate(reversed(hops)):
            address = _address(hop.address)
            if address is None:
                break
            told["client"] = (str(address), 0)
            if number == 0 and hop.scheme in _SCHEMES:
                told["scheme"] = _SCHEMES[hop.scheme][scope["type"] == "websocket"]
            if not self._trusts(str(address)):
                break
        return told

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise CodedError(
            SETTINGS_INVALID, f"server.trusted_proxies: {text!r} is no address and no network such as 10.1.0.0/16."
        ) from None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as headers write it, with or without a port; None for names and for what is hidden."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _joined(headers: Headers, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)[-_MOST:]


def _hops_x_forwarded(headers: Headers) -> list[Hop]:
    addresses = _joined(headers, b"x-forwarded-for")
    scheme = _joined(headers, b"x-forwarded-proto").rpartition(",")[2].strip().lower()
    return [Hop(part.strip(), scheme) for part in addresses.split(",")] if addresses else []


def _hops_forwarded(headers: Headers) -> list[Hop]:
    """The elements of ``Forwarded`` (RFC 7239 section 4); what cannot be read hides its element and those before it."""
    text, at = _joined(headers, b"forwarded"), 0
    hops: list[Hop] = []
    pairs: dict[str, str] = {}
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            hops, pairs = [], {}
            at = text.find(",", at) + 1 or len(text)
            continue
        quoted = pair[2]
        pairs[pair[1].lower()] = pair[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = pair.end()
        if at == len(text) or text[at] == ",":
            hops.append(Hop(pairs.get("for", ""), pairs.get("proto", "").lower()))
            pairs = {}
        at += 1
    return hops


def _certificate_in(headers: Headers) -> bytes | None:
    """The certificate in ``Client-Cert`` (RFC 9440 section 2.2): base64 between colons; empty where it is not that.

    ``Client-Cert-Chain`` is not read: the register pins the authority that issued the certificate itself.
    """
    values = [value.strip() for name, value in headers if name == b"client-cert"]
    if not values:
        return None
    if len(values) > 1 or len(values[0]) < 3 or values[0][:1] + values[0][-1:] != b"::":
        return b""
    try:
        return base64.b64decode(values[0][1:-1], validate=True)
    except binascii.Error:
        return b""
