"""Built files that a browser may keep for ever: each name holds a digest of the content, so new content has a new name.

The folder's manifest says which files there are; nothing else in it is served, whatever the address says.
"""

import asyncio
import gzip
from pathlib import Path

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".ttf": "font/ttf",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class Manifest(msgspec.Struct, frozen=True):
    """What a build consists of: the script and styles a page names, and the SHA-256 of every file in hexadecimal."""

    entry: str
    styles: tuple[str, ...]
    files: dict[str, str]


class StaticFiles:
    """Answers for the files of one build. Each is read and packed once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError where ``folder`` holds no build."""
        self.manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
        self._folder = folder
        self._plain: dict[str, bytes] = {}
        self._packed: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Response:
        """The file named by the path parameter ``name``, packed where the browser takes gzip."""
        name = request.path_params["name"]
        digest = self.manifest.files.get(name)
        if digest is None:
            raise HTTPException(404, "There is no such file.")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "ETag": f'"{digest[:32]}"',
            "Vary": "Accept-Encoding",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        media_type = _MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(await self._pack(name), headers=headers, media_type=media_type)
        return Response(await self._read(name), headers=headers, media_type=media_type)

    async def _read(self, name: str) -> bytes:
        if name not in self._plain:
            self._plain[name] = await asyncio.to_thread((self._folder / name).read_bytes)
        return self._plain[name]

    async def _pack(self, name: str) -> bytes:
        if name not in self._packed:
            plain = await asyncio.to_thread((self._folder / name).read_bytes)
            self._packed[name] = await asyncio.to_thread(gzip.compress, plain, 6, mtime=0)
        return self._packed[name]
