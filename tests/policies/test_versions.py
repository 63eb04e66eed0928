"""A stored version counts only as its signers left it."""

from dataclasses import replace

import pytest

from policies.context import HmacKey
from policies.errors import CodedError
from policies.ledger import START
from policies.lines import PolicyVersion
from policies.versions import SignedVersion, sign_version

KEY = HmacKey("console", b"a-secret-of-the-console-for-tests")
KEYS = {KEY.id: KEY}
LINES = (("g", "app:x", "dept:a", "a"), ("g3", "intranet", "z:gov"))
SIGNED = sign_version(PolicyVersion.of(3, LINES), START, ("user:ann", "user:ben"), "why", "2026-11-22T12:00:00Z", KEY)


def test_what_was_signed_verifies() -> None:
    SIGNED.verify(KEYS)


@pytest.mark.parametrize(
    "changed",
    [
        replace(SIGNED, version=replace(SIGNED.version, lines=(*LINES, ("g", "app:y", "dept:a", "a")))),
        replace(SIGNED, version=PolicyVersion.of(3, LINES[:1])),
        replace(SIGNED, version=replace(SIGNED.version, number=4)),
        replace(SIGNED, previous="f" * 64),
        replace(SIGNED, persons=("user:ann", "user:eve")),
        replace(SIGNED, note="another reason"),
        replace(SIGNED, published_at="2026-11-23T12:00:00Z"),
        replace(SIGNED, key_id="unknown"),
        replace(SIGNED, signature=bytes(32)),
    ],
)
def test_a_change_of_anything_is_found(changed: SignedVersion) -> None:
    with pytest.raises(CodedError) as caught:
        changed.verify(KEYS)
    assert caught.value.code.name == "VERSION_UNVERIFIED"


def test_tokens_cannot_be_moved_between_columns_under_one_digest() -> None:
    assert PolicyVersion.of(1, [("g", "a", "b")]).digest != PolicyVersion.of(1, [("g", "a"), ("b",)]).digest
