"""Published versions with their signatures: what a worker may believe of what it finds in the store."""

from dataclasses import dataclass

from policies.context import SigningKey
from policies.errors import VERSION_UNVERIFIED, CodedError
from policies.lines import PolicyVersion, digest_of


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version as the store keeps it.

    ``previous`` is the digest of the version before (64 zeros at first), so that no version can be taken out unseen.
    ``persons`` are author and approvers.
    """

    version: PolicyVersion
    previous: str
    persons: tuple[str, ...]
    note: str
    published_at: str
    key_id: str
    signature: bytes

    def verify(self, keys: dict[str, SigningKey]) -> None:
        """Raises CodedError VERSION_UNVERIFIED when lines, digest and signature do not belong together."""
        key = keys.get(self.key_id)
        fits = digest_of(self.version.lines) == self.version.digest
        if key is None or not fits or not key.verifies(self._content(), self.signature):
            raise CodedError(VERSION_UNVERIFIED, f"Policy version {self.version.number} does not verify.")

    def _content(self) -> bytes:
        return _content(self.version, self.previous, self.persons, self.note, self.published_at)


def sign_version(
    version: PolicyVersion, previous: str, persons: tuple[str, ...], note: str, published_at: str, key: SigningKey
) -> SignedVersion:
    """The version signed by the console's key."""
    signature = key.sign(_content(version, previous, persons, note, published_at))
    return SignedVersion(version, previous, persons, note, published_at, key.id, signature)


def _content(version: PolicyVersion, previous: str, persons: tuple[str, ...], note: str, published_at: str) -> bytes:
    parts = (str(version.number), version.digest, previous, ",".join(persons), note, published_at)
    return "\n".join(part.replace("\n", " ") for part in parts).encode()
