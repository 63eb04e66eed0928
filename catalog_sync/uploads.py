"""Bundles that arrive in parts: what came is kept, and the sender goes on at the byte where the line broke."""

from catalog_sync.bundles import LARGEST_BUNDLE, digest_of
from catalog_sync.database import CatalogueDatabase
from catalog_sync.errors import UPLOAD_REFUSED, CodedError


class Uploads:
    """Parts of bundles by sender, number and the digest announced for the whole."""

    def __init__(self, database: CatalogueDatabase) -> None:
        self._database = database

    def received(self, sender: str, number: int, digest: str) -> int:
        """How many bytes from the start are kept."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(length(content)), 0) FROM part WHERE peer = ? AND number = ? AND digest = ?",
                (sender, number, digest),
            ).fetchone()
        return int(row[0])

    def keep(self, sender: str, number: int, digest: str, start: int, part: bytes) -> int:
        """Keeps the bytes from ``start`` on, as far as they are new; how many are kept now.

        Parts of another bundle under the number are thrown away. CodedError UPLOAD_REFUSED for a part that begins
        beyond what is kept, or makes the bundle larger than any may be.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM part WHERE peer = ? AND number = ? AND digest <> ?", (sender, number, digest)
            )
            have = self.received(sender, number, digest)
            if start > have:
                message = f"Bytes from {start} on were sent while {have} are kept."
                raise CodedError(UPLOAD_REFUSED, message, {"received": have})
            new = part[have - start :]
            if have + len(new) > LARGEST_BUNDLE:
                message = f"A bundle has {LARGEST_BUNDLE} bytes at most."
                raise CodedError(UPLOAD_REFUSED, message, {"received": have})
            if new:
                connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?)", (sender, number, digest, have, new))
            return have + len(new)

    def whole(self, sender: str, number: int, digest: str) -> bytes:
        """The bundle, when all of it is kept; CodedError UPLOAD_REFUSED, and the parts forgotten, if it is another."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT content FROM part WHERE peer = ? AND number = ? AND digest = ? ORDER BY start",
                (sender, number, digest),
            ).fetchall()
        content = b"".join(bytes(part) for (part,) in rows)
        if digest_of(content) != digest:
            self.forget(sender, number)
            message = "What arrived does not have the digest announced; it was thrown away."
            raise CodedError(UPLOAD_REFUSED, message, {"received": 0})
        return content

    def forget(self, sender: str, number: int) -> None:
        """Throws the parts of a bundle away."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM part WHERE peer = ? AND number = ?", (sender, number))
