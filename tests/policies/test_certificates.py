"""A client certificate proves the caller that the register names for it, and binds keys and tokens to who holds it."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.server.answering import Credentials
from gateway.server.authentication import RegisteredAuthenticator, read_register_file
from gateway.server.issuer_keys import KeySource
from policies.credentials import hash_api_key
from policies.errors import CodedError
from tests.policies.test_authentication import code_of, token, with_issuer
from tests.transport.certificates import DAY, ExtendedKeyUsageOID, authority, stranger

NAMED = authority().issue("benefits.welfare")
OTHER = authority().issue("crm.lottery")
SERVICE = "spiffe://city/welfare/benefits"


def registered(folder: Path, certificates: str, keys: str = "", zone: str = "intranet") -> RegisteredAuthenticator:
    (folder / "callers.toml").write_text(
        f'[[callers]]\nsubject = "app:benefits"\ndepartment = "welfare"\nroles = ["role:benefits"]\n'
        f"certificates = [{certificates}]\nkeys = [{keys}]\n"
        f'[[callers]]\nsubject = "app:crm"\ndepartment = "lottery"\n'
        f'certificates = [{{ id = "crm", sha256 = "{OTHER.fingerprint}" }}]\n'
    )
    return RegisteredAuthenticator(read_register_file(folder / "callers.toml"), zone, KeySource(folder), folder)


def by_fingerprint(folder: Path, more: str = "", keys: str = "", zone: str = "intranet") -> RegisteredAuthenticator:
    return registered(folder, f'{{ id = "c1", sha256 = "{NAMED.fingerprint}" {more} }}', keys, zone)


async def test_a_certificate_named_by_its_fingerprint_proves_the_caller(tmp_path: Path) -> None:
    caller = await by_fingerprint(tmp_path).authenticate(Credentials(certificate=NAMED.der, purpose="eligibility"))
    assert (caller.subject, caller.department, caller.roles) == ("app:benefits", "welfare", {"role:benefits"})
    assert (caller.zone, caller.purpose) == ("intranet", "eligibility")


async def test_the_fingerprint_may_be_written_as_openssl_prints_it(tmp_path: Path) -> None:
    plain = NAMED.fingerprint.upper()
    printed = ":".join(plain[at : at + 2] for at in range(0, 64, 2))
    authenticator = registered(tmp_path, f'{{ id = "c1", sha256 = "{printed}" }}')
    assert (await authenticator.authenticate(Credentials(certificate=NAMED.der))).subject == "app:benefits"


async def test_a_certificate_that_is_unknown_or_malformed_is_refused_not_ignored(tmp_path: Path) -> None:
    authenticator = by_fingerprint(tmp_path)
    for shown in (authority().issue("benefits.welfare").der, b"", NAMED.der[:-1], b"-----BEGIN CERTIFICATE-----"):
        assert await code_of(authenticator, certificate=shown) == "UNAUTHENTICATED"


@pytest.mark.parametrize(("begins", "ends"), [(-2 * DAY, -DAY), (DAY, 2 * DAY)], ids=["ended", "not begun"])
async def test_a_certificate_proves_nothing_outside_its_time(
    tmp_path: Path, begins: timedelta, ends: timedelta
) -> None:
    shown = authority().issue("benefits.welfare", begins=begins, ends=ends)
    authenticator = registered(tmp_path, f'{{ id = "c1", sha256 = "{shown.fingerprint}" }}')
    assert await code_of(authenticator, certificate=shown.der) == "UNAUTHENTICATED"


async def test_a_certificate_ends_while_it_is_remembered(tmp_path: Path) -> None:
    authenticator = by_fingerprint(tmp_path)
    await authenticator.authenticate(Credentials(certificate=NAMED.der))
    ends = NAMED.certificate.not_valid_after_utc.timestamp()
    authenticator._clock = lambda: ends - 1
    assert (await authenticator.authenticate(Credentials(certificate=NAMED.der))).subject == "app:benefits"
    authenticator._clock = lambda: ends
    assert await code_of(authenticator, certificate=NAMED.der) == "UNAUTHENTICATED"


async def test_an_entry_has_an_end_zones_and_purposes_of_its_own(tmp_path: Path) -> None:
    ended = by_fingerprint(tmp_path, ", expires = 2026-01-01T00:00:00Z")
    assert await code_of(ended, certificate=NAMED.der) == "UNAUTHENTICATED"
    scope = ', zones = ["intranet"], purposes = ["eligibility"]'
    outside, inside = by_fingerprint(tmp_path, scope, zone="internet"), by_fingerprint(tmp_path, scope)
    assert await code_of(outside, certificate=NAMED.der, purpose="eligibility") == "CREDENTIAL_OUT_OF_SCOPE"
    assert await code_of(inside, certificate=NAMED.der, purpose="research") == "CREDENTIAL_OUT_OF_SCOPE"
    assert (await inside.authenticate(Credentials(certificate=NAMED.der, purpose="eligibility"))).zone == "intranet"


@pytest.mark.parametrize("named", ['subject = "CN=benefits.welfare"', f'uri = "{SERVICE}"'])
async def test_every_certificate_of_a_name_counts_if_the_pinned_authority_issued_it(tmp_path: Path, named: str) -> None:
    authenticator = registered(tmp_path, f'{{ id = "c1", {named}, authority = "{authority().path}" }}')
    for _ in range(2):
        renewed = authority().issue("benefits.welfare", uri=SERVICE)
        assert (await authenticator.authenticate(Credentials(certificate=renewed.der))).subject == "app:benefits"
    forged = stranger().issue("benefits.welfare", uri=SERVICE)
    assert await code_of(authenticator, certificate=forged.der) == "UNAUTHENTICATED"
    another = authority().issue("benefits.welfare.evil", uri=SERVICE + "x")
    assert await code_of(authenticator, certificate=another.der) == "UNAUTHENTICATED"


async def test_a_certificate_for_servers_proves_no_client(tmp_path: Path) -> None:
    authenticator = registered(
        tmp_path, f'{{ id = "c1", subject = "CN=benefits.welfare", authority = "{authority().path}" }}'
    )
    usages = {ExtendedKeyUsageOID.CLIENT_AUTH: True, ExtendedKeyUsageOID.SERVER_AUTH: False}
    for usage, counts in usages.items():
        shown = authority().issue("benefits.welfare", usage=usage).der
        if counts:
            assert (await authenticator.authenticate(Credentials(certificate=shown))).subject == "app:benefits"
        else:
            assert await code_of(authenticator, certificate=shown) == "UNAUTHENTICATED"


async def test_a_certificate_that_could_be_two_callers_is_nobodys(tmp_path: Path) -> None:
    twice = ", ".join(f'{{ id = "c{n}", subject = "CN=benefits.welfare", authority = "{authority().path}" }}'
                      for n in (1, 2))  # fmt: skip
    authenticator = registered(tmp_path, twice)
    assert await code_of(authenticator, certificate=NAMED.der) == "UNAUTHENTICATED"


KEY = f'{{ id = "k1", sha256 = "{hash_api_key("wsk_one")}" }}'
BOUND = f'{{ id = "k1", sha256 = "{hash_api_key("wsk_one")}", certificate = "{NAMED.fingerprint}" }}'


async def test_a_key_bound_to_a_certificate_is_worth_nothing_without_it(tmp_path: Path) -> None:
    authenticator = registered(tmp_path, "", BOUND)
    assert (await authenticator.authenticate(Credentials(api_key="wsk_one", certificate=NAMED.der))).subject
    assert await code_of(authenticator, api_key="wsk_one") == "UNAUTHENTICATED"
    assert await code_of(authenticator, api_key="wsk_one", certificate=OTHER.der) == "UNAUTHENTICATED"


async def test_a_key_beside_a_certificate_of_another_caller_is_refused(tmp_path: Path) -> None:
    authenticator = by_fingerprint(tmp_path, keys=KEY)
    assert (await authenticator.authenticate(Credentials(api_key="wsk_one", certificate=NAMED.der))).subject
    assert await code_of(authenticator, api_key="wsk_one", certificate=OTHER.der) == "UNAUTHENTICATED"
    assert await code_of(authenticator, api_key="wsk_one", certificate=stranger().issue("x").der) == "UNAUTHENTICATED"


def thumbprint(der_fingerprint: str) -> dict[str, str]:
    return {"x5t#S256": base64.urlsafe_b64encode(bytes.fromhex(der_fingerprint)).decode().rstrip("=")}


async def test_a_token_bound_to_a_certificate_counts_only_beside_it(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path)
    authenticator._clock = lambda: NAMED.certificate.not_valid_before_utc.timestamp() + 60
    ends = authenticator._clock() + 300
    bearer = "Bearer " + token(exp=ends, cnf=thumbprint(NAMED.fingerprint))
    caller = await authenticator.authenticate(Credentials(authorization=bearer, certificate=NAMED.der))
    assert caller.subject == "user:li.na"
    assert await code_of(authenticator, authorization=bearer) == "UNAUTHENTICATED"
    assert await code_of(authenticator, authorization=bearer, certificate=OTHER.der) == "UNAUTHENTICATED"


@pytest.mark.parametrize("binding", [{"jkt": "x"}, {}, "x", {"x5t#S256": "short"}, {"x5t#S256": 7},
                                     {**thumbprint(NAMED.fingerprint), "jkt": "x"}])  # fmt: skip
async def test_a_binding_that_cannot_be_checked_makes_a_token_worthless(tmp_path: Path, binding: object) -> None:
    authenticator = with_issuer(tmp_path)
    assert await code_of(authenticator, authorization="Bearer " + token(cnf=binding)) == "UNAUTHENTICATED"


async def test_an_issuer_can_be_held_to_bound_tokens(tmp_path: Path) -> None:
    authenticator = with_issuer(tmp_path, bound=True)
    assert await code_of(authenticator, authorization="Bearer " + token()) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("", "give one of sha256, subject and uri"),
        ('sha256 = "NAMED", uri = "a:b"', "give one of sha256, subject and uri"),
        ('sha256 = "12"', "64 hexadecimal digits"),
        ('subject = "CN=x"', "need the file of their `authority`"),
        ('sha256 = "NAMED", authority = "ca.pem"', "sha256 needs none"),
        ('subject = "no name", authority = "ca.pem"', "RFC 4514"),
        ('uri = "a:b", authority = "nowhere.pem"', "no PEM file of one certificate"),
        ('sha256 = "OTHER"', "stands under two certificates"),
    ],
)
def test_a_wrong_entry_names_what_to_mend(tmp_path: Path, entry: str, says: str) -> None:
    entry = entry.replace("NAMED", NAMED.fingerprint).replace("OTHER", OTHER.fingerprint)
    with pytest.raises(CodedError) as caught:
        registered(tmp_path, f'{{ id = "c1"{entry and ", "}{entry} }}')
    assert caught.value.code.name == "CREDENTIALS_INVALID"
    assert says in caught.value.message
