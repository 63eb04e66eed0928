"""A request comes from whom its credential proves, and from nobody else."""

import asyncio
import base64
import contextlib
import hmac
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from gateway.server.answering import Credentials
from gateway.server.authentication import FollowedAuthenticator, RegisteredAuthenticator, read_register_file
from gateway.server.issuer_keys import KeySource
from policies.callers import Caller, CallerKind
from policies.credentials import hash_api_key, new_api_key, read_register
from policies.errors import CodedError
from tests.transport.certificates import Authority, authority, listener, stranger

NOW = 1_800_000_000.0
KEY, NEXT_KEY, OLD_KEY = "wsk_one", "wsk_two", "wsk_three"
CALLERS = f"""
[[callers]]
subject = "app:benefits-portal"
department = "welfare"
roles = ["role:benefits"]
keys = [
    {{ id = "2026-11", sha256 = "{hash_api_key(KEY)}" }},
    {{ id = "2026-12", sha256 = "{hash_api_key(NEXT_KEY)}", zones = ["intranet"], purposes = ["eligibility-check"] }},
    {{ id = "2026-01", sha256 = "{hash_api_key(OLD_KEY)}", expires = 2026-06-30T00:00:00Z }},
]
"""
OTHER = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
SIGNING = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
CLAIMS = {
    "iss": "https://id.example",
    "aud": "watersmeet",
    "sub": "li.na",
    "dept": "welfare",
    "groups": ["role:officer", "role:administrator"],
    "exp": NOW + 300,
}


def registered(path: Path, callers: str = CALLERS, zone: str = "intranet") -> RegisteredAuthenticator:
    file = path / "callers.toml"
    file.write_text(callers, encoding="utf-8")
    return RegisteredAuthenticator(read_register_file(file), zone, KeySource(path), path, clock=lambda: NOW)


def with_issuer(path: Path, keys: list[Any] | None = None, **options: object) -> RegisteredAuthenticator:
    key_set = KeySet(keys or [SIGNING])
    (path / "keys.json").write_text(json.dumps(key_set.as_dict(private=False)), encoding="utf-8")
    issuer = {
        "issuer": "https://id.example",
        "audience": "watersmeet",
        "jwks": "keys.json",
        "department_claim": "dept",
        "roles_claim": "groups",
        "roles": ["role:officer"],
        **options,
    }
    register = read_register({"issuers": [issuer]}, "test")
    source = KeySource(path)
    source.check(register.issuers)
    return RegisteredAuthenticator(register, "intranet", source, clock=lambda: NOW)


def token(key: Any = SIGNING, header: dict[str, Any] | None = None, **changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    algorithm = (header or {}).get("alg", "ES256")
    return jwt.encode({"alg": algorithm, "kid": "k1", **(header or {})}, claims, key, algorithms=[algorithm])


async def code_of(authenticator: Any, **headers: str) -> str:
    with pytest.raises(CodedError) as caught:
        await authenticator.authenticate(Credentials(**headers))
    return caught.value.code.name


async def test_without_a_credential_the_caller_is_the_public(tmp_path: Path) -> None:
    caller = await registered(tmp_path, zone="internet").authenticate(Credentials(purpose="research"))
    assert caller == Caller(CallerKind.PUBLIC, "anon", zone="internet", purpose="research")


async def test_a_key_proves_subject_department_and_roles_and_the_listener_gives_the_zone(tmp_path: Path) -> None:
    credentials = Credentials(api_key=KEY, purpose="eligibility-check", case_number="%E5%8A%9E-1", officer="007")
    caller = await registered(tmp_path).authenticate(credentials)
    assert caller == Caller(
        CallerKind.APPLICATION,
        "app:benefits-portal",
        "welfare",
        frozenset({"role:benefits"}),
        "intranet",
        "eligibility-check",
        "办-1",
        "007",
    )


async def test_two_keys_of_one_caller_count_while_they_are_exchanged(tmp_path: Path) -> None:
    authenticator = registered(tmp_path)
    first = await authenticator.authenticate(Credentials(api_key=KEY, purpose="eligibility-check"))
    second = await authenticator.authenticate(Credentials(api_key=NEXT_KEY, purpose="eligibility-check"))
    assert first == second


async def test_unknown_and_expired_keys_are_refused_alike(tmp_path: Path) -> None:
    authenticator = registered(tmp_path)
    messages = set()
    for key in ("wsk_guess", OLD_KEY, "", "x" * 600):
        with pytest.raises(CodedError) as caught:
            await authenticator.authenticate(Credentials(api_key=key))
        messages.add((caught.value.code.name, caught.value.message))
    assert messages == {("UNAUTHENTICATED", "The credential is not valid here.")}


async def test_a_key_is_good_only_at_its_listeners_and_for_its_purposes(tmp_path: Path) -> None:
    inside, outside = registered(tmp_path), registered(tmp_path, zone="internet")
    assert await code_of(outside, api_key=NEXT_KEY, purpose="eligibility-check") == "CREDENTIAL_OUT_OF_SCOPE"
    assert await code_of(inside, api_key=NEXT_KEY, purpose="research") == "CREDENTIAL_OUT_OF_SCOPE"
    assert await code_of(inside, api_key=NEXT_KEY) == "CREDENTIAL_OUT_OF_SCOPE"


@pytest.mark.parametrize(
    "headers",
    [{"purpose": "a b"}, {"purpose": "x" * 101}, {"case_number": "%00"}, {"case_number": "%FF"}, {"officer": "a\nb"}],
)
async def test_statements_of_odd_characters_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    assert await code_of(registered(tmp_path), api_key=KEY, **headers) == "CALLER_HEADER_INVALID"


async def test_a_key_and_a_token_at_once_are_refused(tmp_path: Path) -> None:
    assert await code_of(with_issuer(tmp_path), api_key=KEY, authorization="Bearer " + token()) == "UNAUTHENTICATED"


async def test_a_token_proves_its_subject_department_and_the_roles_that_count(tmp_path: Path) -> None:
    caller = await with_issuer(tmp_path).authenticate(Credentials(authorization="Bearer " + token()))
    assert caller == Caller(CallerKind.OFFICER, "user:li.na", "welfare", frozenset({"role:officer"}), "intranet")


def _signed_with_the_public_key() -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').decode().rstrip("=")
    signed = f"{header}.{token().split('.')[1]}"
    signature = hmac.digest(SIGNING.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


RSA = RSAKey.generate_key(2048, {"kid": "k1"})
FORGERIES: dict[str, Callable[[], str]] = {
    "another key": lambda: token(ECKey.generate_key("P-256", {"kid": "k1"})),
    "another algorithm": lambda: token(RSA, {"alg": "RS256"}),
    "the public key as a shared secret": lambda: _signed_with_the_public_key(),
    "another audience": lambda: token(aud="elsewhere"),
    "another issuer": lambda: token(iss="https://other.example"),
    "no audience": lambda: token(aud=None),
    "no end": lambda: token(exp=None),
    "ended": lambda: token(exp=NOW - 31),
    "not begun": lambda: token(nbf=NOW + 31),
    "no subject": lambda: token(sub=None),
    "a subject that forges another prefix": lambda: token(sub="x, gov"),
    "a department of odd characters": lambda: token(dept="wel fare"),
    "a critical extension": lambda: token(header={"b64": True, "crit": ["b64"]}),
    "another type of token": lambda: token(header={"typ": "dpop+jwt"}),
    "an unknown key id": lambda: token(header={"kid": "k2"}),
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "unsigned": lambda: "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + token().split(".")[1] + ".",
    "no token": lambda: "a.b.c",
    "nothing": lambda: "",
    "too long": lambda: token() + "x" * 9000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_token_is_refused_with(tmp_path: Path, forgery: str) -> None:
    authenticator = with_issuer(tmp_path)
    assert await code_of(authenticator, authorization="Bearer " + FORGERIES[forgery]()) == "UNAUTHENTICATED"


async def test_a_token_ends_even_when_it_was_remembered(tmp_path: Path) -> None:
    now = [NOW]
    authenticator = with_issuer(tmp_path)
    authenticator._clock = lambda: now[0]
    credentials = Credentials(authorization="Bearer " + token())
    assert await authenticator.authenticate(credentials) == await authenticator.authenticate(credentials)
    now[0] = NOW + 331
    assert await code_of(authenticator, authorization="Bearer " + token()) == "UNAUTHENTICATED"


async def test_an_issuers_new_key_counts_without_a_restart_and_is_looked_for_once_a_minute(tmp_path: Path) -> None:
    new = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig"})
    authenticator = with_issuer(tmp_path)
    now = [0.0]
    authenticator._keys._clock = lambda: now[0]
    authenticator._keys._read_at.clear()
    fresh = "Bearer " + token(new, {"kid": "k2"})
    assert await code_of(authenticator, authorization=fresh) == "UNAUTHENTICATED"
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([SIGNING, new]).as_dict(private=False)), encoding="utf-8")
    assert await code_of(authenticator, authorization=fresh) == "UNAUTHENTICATED", "looked a moment ago"
    now[0] = 60.0
    callers = await asyncio.gather(*(authenticator.authenticate(Credentials(authorization=fresh)) for _ in range(5)))
    assert {caller.subject for caller in callers} == {"user:li.na"}


async def test_a_key_that_its_issuer_took_back_stops_counting_within_ten_minutes(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path)
    now = [NOW]
    authenticator._clock = lambda: now[0]
    authenticator._keys._clock = lambda: now[0]
    authenticator._keys._read_at = {"https://id.example": NOW}
    credentials = Credentials(authorization="Bearer " + token(exp=NOW + 3600))
    assert (await authenticator.authenticate(credentials)).subject == "user:li.na"
    other = ECKey.generate_key("P-256", {"kid": "k9"})
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([other]).as_dict(private=False)), encoding="utf-8")
    now[0] = NOW + 299
    assert (await authenticator.authenticate(credentials)).subject == "user:li.na", "still believed"
    now[0] = NOW + 600
    assert await code_of(authenticator, authorization=credentials.authorization or "") == "UNAUTHENTICATED"


async def test_while_an_issuer_cannot_be_asked_its_last_keys_stay(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path)
    authenticator._keys._read_at.clear()
    (tmp_path / "keys.json").unlink()
    caller = await authenticator.authenticate(Credentials(authorization="Bearer " + token()))
    assert caller.subject == "user:li.na"


@pytest.mark.parametrize(("trusted", "believed"), [(authority, True), (stranger, False)])
async def test_keys_at_an_address_are_believed_if_the_issuers_authority_vouches_for_it(
    tmp_path: Path, trusted: Callable[[], Authority], believed: bool
) -> None:
    body = json.dumps(KeySet([SIGNING]).as_dict(private=False)).encode()

    async def serve_keys(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_keys, "127.0.0.1", 0, ssl=listener(authority().issue("localhost")))
    async with server:
        address = f"https://localhost:{server.sockets[0].getsockname()[1]}/keys"
        authenticator = with_issuer(tmp_path, jwks=address, ca_file=trusted().path)
        credentials = Credentials(authorization="Bearer " + token())
        if believed:
            assert (await authenticator.authenticate(credentials)).subject == "user:li.na"
        else:
            assert await code_of(authenticator, authorization=credentials.authorization or "") == "UNAUTHENTICATED"


async def test_a_key_meant_for_encryption_verifies_nothing(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "k1", "use": "enc"})
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    authenticator = with_issuer(tmp_path, [key])
    signing = ECKey.import_key({k: v for k, v in key.as_dict(private=True).items() if k != "use"})
    assert await code_of(authenticator, authorization="Bearer " + token(signing)) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[callers]\n", "cannot be read"),
        ('[[callers]]\nsubject = "benefits"\n', "must be app:, user: or key:"),
        ('[[callers]]\nname = "x"\n', "callers"),
        ('[[callers]]\nsubject = "app:x"\nkeys = [{ id = "1", sha256 = "plain" }]\n', "64 small hexadecimal digits"),
        ('[[callers]]\nsubject = "app:x"\ndepartment = "wel, fare"\n', "no name of a department"),
        ('[[issuers]]\nissuer = "i"\naudience = "a"\njwks = "k.json"\nalgorithms = ["HS256"]\n', "k.json"),
        ('[[issuers]]\nissuer = "i"\naudience = "a"\njwks = "http://id/k"\n', "https"),
    ],
)
def test_a_wrong_file_of_callers_names_what_to_mend(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "callers.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CodedError) as caught:
        FollowedAuthenticator(tmp_path / "callers.toml", "intranet")
    assert caught.value.code.name == "CREDENTIALS_INVALID"
    assert says in caught.value.message


def test_what_a_file_of_callers_says_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "callers.yaml").write_text("callers:\n- subject: app:x\n  zone: intranet\n  zone: extranet\n")
    with pytest.raises(CodedError, match="'zone' is given twice") as caught:
        FollowedAuthenticator(tmp_path / "callers.yaml", "intranet")
    assert caught.value.code.name == "CREDENTIALS_INVALID"


async def test_a_changed_file_counts_within_half_a_second_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "callers.toml"

    def write(*keys: str) -> None:
        entries = ", ".join(f'{{ id = "{key}", sha256 = "{hash_api_key(key)}" }}' for key in keys)
        file.write_text(f'[[callers]]\nsubject = "app:x"\nkeys = [{entries}]\n')

    write("old")
    now = [0.0]
    authenticator = FollowedAuthenticator(file, "intranet", clock=lambda: now[0])
    old, new = Credentials(api_key="old"), Credentials(api_key="new")
    assert (await authenticator.authenticate(old)).subject == "app:x"
    write("old", "new")
    assert await code_of(authenticator, api_key="new") == "UNAUTHENTICATED", "looked a moment ago"
    now[0] += 0.5
    assert await authenticator.authenticate(new) == await authenticator.authenticate(old)
    file.write_text("[[callers]\n")
    for _ in range(3):
        now[0] += 0.5
        assert (await authenticator.authenticate(old)).subject == "app:x"
    assert [record.message.split(":")[0] for record in caplog.records if record.levelname == "WARNING"] == [
        "CREDENTIALS_INVALID"
    ]
    write("new")
    now[0] += 0.5
    assert await code_of(authenticator, api_key="old") == "UNAUTHENTICATED"
    assert list(authenticator.callers) == ["app:x"]


async def test_where_it_is_told_to_look_now_callers_and_keys_of_issuers_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "callers.toml"

    def write(key: str, signing: Any) -> None:
        (tmp_path / "keys.json").write_text(json.dumps(KeySet([signing]).as_dict(private=False)))
        file.write_text(
            f'[[callers]]\nsubject = "app:x"\nkeys = [{{ id = "1", sha256 = "{hash_api_key(key)}" }}]\n[[issuers]]\n'
            'issuer = "https://id.example"\naudience = "watersmeet"\njwks = "keys.json"\ndepartment_claim = "dept"\n'
        )
        os.utime(file, ns=(0, 0))

    write("old", SIGNING)
    authenticator = FollowedAuthenticator(file, "intranet", clock=lambda: 0.0)
    signed = "Bearer " + token(exp=4_000_000_000)
    assert (await authenticator.authenticate(Credentials(authorization=signed))).subject.startswith("user:")
    write("new", OTHER)
    assert await code_of(authenticator, api_key="new") == "UNAUTHENTICATED"
    authenticator.look_now()
    assert (await authenticator.authenticate(Credentials(api_key="new"))).subject == "app:x"
    assert await code_of(authenticator, authorization=signed) == "UNAUTHENTICATED"


async def test_keys_of_an_issuer_are_read_again_where_it_is_told_to_look_now(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path)
    signed = Credentials(authorization="Bearer " + token())
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([OTHER]).as_dict(private=False)))
    await authenticator.authenticate(signed)
    authenticator.look_now()
    assert await code_of(authenticator, authorization=signed.authorization) == "UNAUTHENTICATED"


async def test_a_table_of_roles_gives_an_issuers_names_their_meaning_here(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path, roles={"police-auditors": "role:auditor"})
    groups = ["police-auditors", "role:auditor", "role:administrator", 7]
    caller = await authenticator.authenticate(Credentials(authorization="Bearer " + token(groups=groups)))
    assert caller.roles == {"role:auditor"}
    others = await authenticator.authenticate(Credentials(authorization="Bearer " + token(groups=groups[1:])))
    assert others.roles == frozenset()
    assert (await authenticator.authenticate(Credentials(authorization="Bearer " + token(groups="all")))).roles == set()
    with pytest.raises(CodedError, match="no name of a role"):
        with_issuer(tmp_path, roles={"a": "any role"})


def test_symmetric_algorithms_are_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(CodedError) as caught:
        with_issuer(tmp_path, algorithms=["ES256", "HS256"])
    assert "HS256" in caught.value.message


def test_the_same_file_may_be_yaml(tmp_path: Path) -> None:
    key = f"{{id: '1', sha256: {hash_api_key(KEY)}, expires: 2030-01-01T00:00:00Z}}"
    yaml_text = f"callers:\n- subject: app:x\n  keys: [{key}]\n"
    (tmp_path / "callers.yaml").write_text(yaml_text, encoding="utf-8")
    authenticator = FollowedAuthenticator(tmp_path / "callers.yaml", "intranet")
    caller = asyncio.run(authenticator.authenticate(Credentials(api_key=KEY)))
    assert caller.subject == "app:x"


def test_fresh_keys_differ_and_are_stored_as_hashes_alone() -> None:
    first, second = new_api_key(), new_api_key()
    assert first != second
    assert len(first) > 40
    assert first[4:] not in hash_api_key(first)


def test_keys_expire_in_utc_whatever_the_file_says() -> None:
    register = read_register(
        {
            "callers": [
                {
                    "subject": "app:x",
                    "keys": [{"id": "1", "sha256": hash_api_key(KEY), "expires": "2026-06-30T00:00:00"}],
                }
            ]
        },
        "test",
    )
    from policies.credentials import ApiKeys

    keys = ApiKeys(register.callers)
    assert keys.identify(KEY, datetime(2026, 6, 29, 23, 59, 59, tzinfo=UTC)).subject == "app:x"
    with pytest.raises(CodedError):
        keys.identify(KEY, datetime(2026, 6, 30, tzinfo=UTC))
