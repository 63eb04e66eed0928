"""Ed25519 keys by which levels know one another; a key has an id, so that it can be replaced while both are valid."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from catalog_sync.closed_lists import Network
from catalog_sync.errors import SIGNATURE_WRONG, SIGNER_UNKNOWN, CodedError
from catalog_sync.identifiers import DivisionCode

SIGNATURE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A level's own key; it prints as its id only."""

    id: str
    secret: Ed25519PrivateKey

    @staticmethod
    def generate(key_id: str) -> "SigningKey":
        """A new key."""
        return SigningKey(key_id, Ed25519PrivateKey.generate())

    @staticmethod
    def from_bytes(key_id: str, raw: bytes) -> "SigningKey":
        """The key of 32 bytes that ``to_bytes`` wrote; ValueError for any other length."""
        return SigningKey(key_id, Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """The secret, 32 bytes, for a file that its owner alone may read."""
        return self.secret.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def public_bytes(self) -> bytes:
        """What peers need, 32 bytes."""
        return self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, content: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.secret.sign(content)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another level: its division, its network and its public keys of 32 bytes, by key id."""

    division: DivisionCode
    keys: Mapping[str, bytes]
    network: Network = Network.EXTRANET

    @property
    def name(self) -> str:
        """How bundles name the level: division and network."""
        return level_name(self.division, self.network)

    def verify(self, key_id: str, content: bytes, signature: bytes) -> None:
        """CodedError SIGNER_UNKNOWN for a key the peer does not have, SIGNATURE_WRONG if the signature is not its."""
        raw = self.keys.get(key_id)
        if raw is None:
            raise CodedError(SIGNER_UNKNOWN, f"The level {self.name} has no key {key_id!r} on file here.")
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
        except InvalidSignature:
            message = f"The signature of {self.name} does not fit: the content was damaged or changed on its way."
            raise CodedError(SIGNATURE_WRONG, message) from None


def level_name(division: DivisionCode, network: Network) -> str:
    """``500103-extranet``: a level's platform on one network."""
    return f"{division}-{network.value}"
