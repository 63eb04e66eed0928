"""A subgraph believes exactly what the gateway signed for it, for this request, within the last minute, once."""

import base64
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis.strategies import text

from policies.context import (
    ContextSigner,
    ContextVerifier,
    Ed25519Key,
    HmacKey,
    NonceMemory,
    RequestContext,
    ResourceScope,
    SigningKey,
    encoded_members,
    joined_context,
    parse_signing_key,
    signature_base,
)
from policies.errors import CodedError
from policies.row_filters import Equals

NOW = 1_800_000_000
KEY = HmacKey("2026-11", b"a-secret-of-at-least-thirty-two-characters")
BODY = b'{"query":"{ resident { name } }"}'
CONTEXT = RequestContext(
    audience="civil-registry",
    subject="app:benefits-portal",
    department="welfare",
    zone="intranet",
    purpose="eligibility-check",
    case_number="办件-1",
    policy_version="7",
    resources=(
        ResourceScope(
            resource="30700503/1",
            rows="rows:own-district",
            row_filter=Equals("divisionCode", "500103"),
            masks={"30700503/1.residentId": "keep_3_4"},
            rules=("T-gov", "Q-2026-0042"),
            grant="Q-2026-0042",
        ),
    ),
)


def signed(key: SigningKey = KEY, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    signer = ContextSigner("civil-registry", key, clock=lambda: at)
    return dict(signer.headers("POST", "/graphql", body, CONTEXT))


def verify(headers: dict[str, str], *, body: bytes = BODY, now: float = NOW, **other: str) -> RequestContext:
    verifier = ContextVerifier(other.get("subgraph", "civil-registry"), [KEY])
    return verifier.verify(other.get("method", "POST"), other.get("path", "/graphql"), headers, body, now)


def refusal(headers: dict[str, str], *, body: bytes = BODY, now: float = NOW, **other: str) -> str:
    with pytest.raises(CodedError) as caught:
        verify(headers, body=body, now=now, **other)
    return caught.value.code.name


def test_what_was_signed_arrives_whole() -> None:
    assert verify(signed()) == CONTEXT


@given(subject=text(), officer=text(), request_id=text())
def test_a_context_put_together_from_parts_arrives_as_the_whole(subject: str, officer: str, request_id: str) -> None:
    who = encoded_members({"audience": "civil-registry", "subject": subject, "zone": "intranet", "officer": officer})
    grounds = encoded_members({"policy_version": "7", "resources": CONTEXT.resources, "department": None})
    context = joined_context((who, grounds), request_id)
    signer = ContextSigner("civil-registry", KEY, clock=lambda: NOW)
    assert verify(dict(signer.sign("POST", "/graphql", BODY, context))) == RequestContext(
        audience="civil-registry",
        subject=subject,
        zone="intranet",
        officer=officer,
        policy_version="7",
        resources=CONTEXT.resources,
        request_id=request_id,
    )


def test_the_signature_agrees_with_the_vector_of_the_standard() -> None:
    # RFC 9421, B.2.5: HMAC over the date, the authority and the content type.
    secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    base = signature_base(
        [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
        ],
        '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    )
    signature = HmacKey("test-shared-secret", base64.b64decode(secret)).sign(base)
    assert base64.b64encode(signature) == b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


def test_a_changed_body_method_path_or_context_is_refused() -> None:
    headers = signed()
    wider = msgspec.json.encode(msgspec.structs.replace(CONTEXT, resources=()))
    assert refusal(headers, body=BODY + b" ") == "CONTEXT_FORGED"
    assert refusal(headers, method="GET") == "CONTEXT_FORGED"
    assert refusal(headers, path="/admin") == "CONTEXT_FORGED"
    assert refusal(headers | {"watersmeet-context": base64.b64encode(wider).decode()}) == "CONTEXT_FORGED"


def test_a_changed_body_with_its_own_digest_is_refused() -> None:
    other = signed(body=b"{}")
    assert refusal(signed() | {"content-digest": other["content-digest"]}, body=b"{}") == "CONTEXT_FORGED"


@pytest.mark.parametrize("name", ["signature", "signature-input", "content-digest", "watersmeet-context"])
def test_a_request_without_one_of_the_headers_is_refused(name: str) -> None:
    headers = signed()
    del headers[name]
    assert refusal(headers) == "CONTEXT_MISSING"


def test_a_context_lives_for_a_minute_and_not_a_second_longer() -> None:
    assert verify(signed(), now=NOW + 59.9) == CONTEXT
    assert refusal(signed(), now=NOW + 60) == "CONTEXT_EXPIRED"
    assert refusal(signed(), now=NOW - 6) == "CONTEXT_EXPIRED"


def test_a_signature_that_claims_a_longer_life_is_refused_even_with_the_right_key() -> None:
    headers = signed()
    parameters = headers["signature-input"].removeprefix("watersmeet=").replace(f"{NOW + 60}", f"{NOW + 61}")
    values = {"@method": "POST", "@path": "/graphql"} | {
        name: headers[name] for name in ("content-digest", "watersmeet-context")
    }
    signature = base64.b64encode(KEY.sign(signature_base(values.items(), parameters))).decode()
    forged = headers | {"signature-input": f"watersmeet={parameters}", "signature": f"watersmeet=:{signature}:"}
    assert refusal(forged) == "CONTEXT_EXPIRED"


def test_a_request_is_accepted_once() -> None:
    verifier = ContextVerifier("civil-registry", [KEY])
    headers = signed()
    verifier.verify("POST", "/graphql", headers, BODY, NOW)
    with pytest.raises(CodedError) as caught:
        verifier.verify("POST", "/graphql", headers, BODY, NOW + 30)
    assert caught.value.code.name == "CONTEXT_REPLAYED"


def test_two_requests_of_one_signer_never_share_a_nonce() -> None:
    signer = ContextSigner("civil-registry", KEY, clock=lambda: NOW)
    verifier = ContextVerifier("civil-registry", [KEY])
    for _ in range(50):
        headers = dict(signer.headers("POST", "/graphql", BODY, CONTEXT))
        assert verifier.verify("POST", "/graphql", headers, BODY, NOW) == CONTEXT


def test_a_full_memory_of_nonces_refuses_instead_of_forgetting() -> None:
    memory = NonceMemory(window=70, capacity=2)
    assert [memory.admit(nonce, NOW) for nonce in ("a", "b", "c")] == [True, True, False]
    assert memory.admit("c", NOW + 70)
    assert not memory.admit("a", NOW + 71), "still within reach of a replay"
    assert memory.admit("a", NOW + 141)


def test_a_context_for_another_subgraph_is_refused() -> None:
    assert refusal(signed(), subgraph="housing") == "CONTEXT_MISDIRECTED"
    with pytest.raises(CodedError) as caught:
        ContextSigner("housing", KEY).headers("POST", "/graphql", BODY, CONTEXT)
    assert caught.value.code.name == "CONTEXT_MISDIRECTED"


def test_keys_are_exchanged_without_a_gap() -> None:
    old, new = KEY, HmacKey("2026-12", b"another-secret-of-at-least-32-characters")
    verifier = ContextVerifier("civil-registry", [old, new])
    assert verifier.verify("POST", "/graphql", signed(old), BODY, NOW) == CONTEXT
    assert verifier.verify("POST", "/graphql", signed(new), BODY, NOW) == CONTEXT
    assert refusal(signed(new)) == "CONTEXT_KEY_UNKNOWN"


def test_a_secret_under_a_known_id_but_wrong_is_refused() -> None:
    assert refusal(signed(replace(KEY, secret=b"x" * 40))) == "CONTEXT_FORGED"


def test_a_key_pair_lets_the_subgraph_verify_and_not_sign() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    headers = signed(Ed25519Key("pair", private.public_key(), private))
    public = Ed25519Key("pair", private.public_key())
    verifier = ContextVerifier("civil-registry", [public])
    assert verifier.verify("POST", "/graphql", headers, BODY, NOW) == CONTEXT
    with pytest.raises(CodedError) as caught:
        verifier.verify("POST", "/graphql", headers, BODY + b" ", NOW)
    assert caught.value.code.name == "CONTEXT_FORGED"
    with pytest.raises(CodedError) as caught:
        public.sign(b"anything")
    assert caught.value.code.name == "SIGNING_KEY_INVALID"


def test_an_algorithm_other_than_the_keys_is_refused() -> None:
    headers = signed()
    headers["signature-input"] = headers["signature-input"].replace("hmac-sha256", "ed25519")
    assert refusal(headers) == "CONTEXT_KEY_UNKNOWN"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"@method" ', ""),
        lambda text: text.replace('"@method" "@path"', '"@path" "@path"'),
        lambda text: text.replace(";expires", ";until"),
        lambda text: text + ";created=1",
        lambda text: "sig1" + text.removeprefix("watersmeet"),
        lambda text: text.replace("(", "[").replace(")", "]"),
    ],
)  # fmt: skip
def test_signature_headers_of_another_form_are_refused(change) -> None:  # type: ignore[no-untyped-def]
    headers = signed()
    headers["signature-input"] = change(headers["signature-input"])
    assert refusal(headers) == "CONTEXT_MALFORMED"


def test_a_signature_that_a_proxy_added_beside_ours_does_no_harm() -> None:
    headers = signed()
    headers["signature-input"] = 'proxy=("@method");created=1, ' + headers["signature-input"]
    headers["signature"] = "proxy=:AAAA:, " + headers["signature"]
    assert verify(headers) == CONTEXT


def test_keys_are_read_from_text_and_their_secrets_never_shown() -> None:
    key = parse_signing_key("k1:" + "s" * 32 + "\n")
    assert key == HmacKey("k1", b"s" * 32)
    pair = parse_signing_key("k2:ed25519:" + base64.b64encode(bytes(32)).decode())
    assert isinstance(pair, Ed25519Key)
    assert pair.private is not None
    for wrong in ("k1", "k1:short-but-telling", "k 1:" + "s" * 32, "k2:ed25519:telling"):
        with pytest.raises(CodedError) as caught:
            parse_signing_key(wrong)
        assert "telling" not in caught.value.message
