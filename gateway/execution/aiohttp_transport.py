"""The transport for what the direct client does not do, such as proxies: calls over aiohttp."""

import asyncio

import aiohttp

from gateway.execution.http_message import ACCEPT, USER_AGENT, is_json
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport_errors import malformed, timed_out, too_large, unreachable, wrong_status


class AiohttpClient:
    """Calls one subgraph over aiohttp. To be made, used and closed within one event loop."""

    def __init__(self, route: SubgraphRoute) -> None:
        self.route = route
        limits = route.limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limits.connections, keepalive_timeout=limits.idle),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": ACCEPT,
                "Accept-Encoding": "gzip, deflate" if route.compressed else "identity",
                "Content-Type": "application/json",
            },
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
        )
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def call(self, body: bytes, headers: tuple[tuple[str, str], ...], seconds: float) -> bytes:
        """Posts ``body`` and gives the answer's body, within ``seconds``. Raises CodedError."""
        self._under_way += 1
        self._quiet.clear()
        try:
            return await self._post(body, headers, seconds)
        except TimeoutError:
            raise timed_out() from None
        except aiohttp.ClientPayloadError:
            raise unreachable("broke off its answer") from None
        except aiohttp.ClientResponseError:
            raise malformed("sent something that is not a proper HTTP/1.1 answer") from None
        except (aiohttp.ClientError, OSError):
            raise unreachable() from None
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._quiet.set()

    async def _post(self, body: bytes, headers: tuple[tuple[str, str], ...], seconds: float) -> bytes:
        route = self.route
        limits = route.limits
        timeout = aiohttp.ClientTimeout(total=min(seconds, limits.timeout), sock_connect=limits.connect_timeout)
        async with self._session.post(
            route.address.url,
            data=body,
            headers=headers,
            proxy=route.proxy,
            allow_redirects=False,
            timeout=timeout,
            ssl=True if route.tls is None else route.tls.context(),
        ) as response:
            if not 200 <= response.status < 300 and not is_json(response.headers.get("Content-Type", "").encode()):
                raise wrong_status(response.status)
            return await _read(response, route.limits.answer_bytes)

    async def retire(self) -> None:
        """Closes the session once the calls under way have ended."""
        try:
            await self._quiet.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Closes the session; calls under way fail as unreachable."""
        await self._session.close()


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The decoded body, read only as far as the limit allows."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            response.close()
            raise too_large(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
