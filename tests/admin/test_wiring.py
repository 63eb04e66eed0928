"""The gateway as it is served: the administration beside the data endpoint, over the store that it follows."""

import asyncio
import json
import os
import pickle
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from gateway.administration import _Prover
from gateway.app import create_app
from gateway.settings import LimitSettings, Settings, convert_settings
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.context import parse_signing_key
from policies.credentials import hash_api_key
from policies.errors import POLICY_INVALID, CodedError
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.publication import Person, PolicyOffice, utc_now
from tests.access.city import SUPERGRAPH
from tests.admin.office import PEOPLE, POLICY, examples, key_of
from tests.support.serving import serving

EXAMPLES = Path(__file__).parent.parent / "catalogue" / "examples"
STOP = """mutation { freeze(of: CALLER, names: ["app:benefits"], reason: "incident:2026-7", hours: 1) { number } }"""
EXPLAIN = '{ explain(operation: "{ residents { nodes { name } } }", as: "app:benefits") { verdict path } }'


async def governed(folder: Path) -> Settings:
    """Settings of a gateway whose store holds a first policy."""
    (folder / "supergraph.graphql").write_text(SUPERGRAPH)
    (folder / "key").write_text("console:a-secret-of-the-console-for-tests")
    (folder / "persons").write_text("a-secret-for-persons-in-the-ledger-for-tests")
    (folder / "callers.toml").write_text("".join(_caller(name) for name in PEOPLE))
    database = SqliteDatabase(folder / "policy.db")
    await migrate(database)
    items = items_of_catalogue(examples()[0].entries, utc_now().date())
    key = parse_signing_key((folder / "key").read_text())
    office = PolicyOffice(SqlPolicyStore(database), key, lambda: items, samples=50)
    await office.install(tuple(line.tokens for line in parse_policy(POLICY)), Person("user:chen", "reform"), "first")
    await database.close()
    access = {
        "catalogue": str(EXAMPLES), "store": str(folder / "policy.db"), "store_key": str(folder / "key"),
        "person_key": str(folder / "persons"), "callers": str(folder / "callers.toml"), "zone": "extranet",
    }  # fmt: skip
    subgraphs = {name: {"key_file": str(folder / "key")} for name in ("police", "land", "market")}
    supergraph = {"source": str(folder / "supergraph.graphql")}
    return convert_settings({"supergraph": supergraph, "access": access, "subgraphs": subgraphs})


async def test_a_stop_thrown_in_the_administration_reaches_the_data_endpoint(tmp_path: Path) -> None:
    application = create_app(await governed(tmp_path), plain=False)
    async with serving(application) as address, aiohttp.ClientSession() as session:

        async def post(document: str) -> dict[str, Any]:
            url, headers = f"{address}/admin/graphql", {"X-API-Key": key_of("zhou")}
            async with session.post(url, json={"query": document}, headers=headers) as response:
                answer: dict[str, Any] = await response.json()
            return answer

        async def ask(document: str) -> object:
            answer = await post(document)
            assert "errors" not in answer, answer
            (value,) = answer["data"].values()
            return value

        async def code_of(document: str) -> str:
            code: str = (await post(document))["errors"][0]["extensions"]["code"]
            return code

        async def name_is() -> str:
            verdicts = await ask(EXPLAIN)
            assert isinstance(verdicts, list)
            return next(found["verdict"] for found in verdicts if found["path"] == "residents.nodes.name")

        assert await name_is() == "allowed"
        assert await code_of(STOP.replace("incident:2026-7", "a leaked key")) == "DRAFT_REFUSED", "no basis"
        assert await ask(STOP) == {"number": 2}
        async with asyncio.timeout(30):
            while await name_is() != "refused":
                pass


SIGNING = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
ISSUER = """
[[issuers]]
issuer = "https://id.example"
audience = "watersmeet"
jwks = "keys.json"
kind = "administrator"
department = "reform"
roles_claim = "groups"
roles = { "catalogue-admins" = "role:administrator" }
"""


def token(*groups: str) -> str:
    claims = {"iss": "https://id.example", "aud": "watersmeet", "sub": "peng", "groups": list(groups),
              "exp": time.time() + 300}  # fmt: skip
    return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, SIGNING, algorithms=["ES256"])


async def test_a_role_that_an_issuer_asserts_counts_in_the_administration_if_the_register_gives_it_a_meaning(
    tmp_path: Path,
) -> None:
    settings = await governed(tmp_path)
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([SIGNING]).as_dict(private=False)))
    with (tmp_path / "callers.toml").open("a") as callers:
        callers.write(ISSUER)
    async with serving(create_app(settings, plain=False)) as address, aiohttp.ClientSession(address) as session:

        async def post(document: str, *groups: str) -> dict[str, Any]:
            headers = {"Authorization": "Bearer " + token(*groups)}
            async with session.post("/admin/graphql", json={"query": document}, headers=headers) as response:
                answer: dict[str, Any] = await response.json()
            return answer

        rights = "{ me { subject rights { act on } } }"
        assert (await post(rights, "role:administrator"))["data"] == {"me": {"subject": "user:peng", "rights": []}}
        assert (await post(STOP, "role:administrator"))["errors"][0]["extensions"]["code"] == "ACT_FORBIDDEN"
        given = (await post(rights, "catalogue-admins"))["data"]["me"]["rights"]
        assert {"act": "freeze", "on": "policy"} in given
        assert (await post(STOP, "catalogue-admins"))["data"] == {"freeze": {"number": 2}}
        assert (await post(rights))["data"]["me"]["rights"] == []


async def test_people_are_counted_by_name_and_who_guesses_keys_by_address(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(await governed(tmp_path), limits=LimitSettings(rate=0.001, burst=3))
    async with serving(create_app(settings, plain=False)) as address, aiohttp.ClientSession(address) as session:

        async def statuses(key: str) -> list[int]:
            found = []
            for _ in range(4):
                async with session.post(
                    "/admin/graphql", json={"query": "{ me { subject } }"}, headers={"X-API-Key": key}
                ) as response:
                    found.append(response.status)
                    assert ("Retry-After" in response.headers) == (response.status == 429)
            return found

        assert await statuses("a guess") == [401, 401, 401, 429]
        assert await statuses(key_of("zhou")) == [200, 200, 200, 429]


def test_a_prover_that_was_killed_is_replaced() -> None:
    with _Prover() as prover:
        with pytest.raises(BrokenProcessPool):
            prover.submit(os._exit, 1).result()
        assert prover.submit(abs, -3).result() == 3


def test_an_error_comes_whole_out_of_another_process() -> None:
    told = CodedError(POLICY_INVALID, "line 3", {"findings": ["E-EFT"]})
    copied = pickle.loads(pickle.dumps(told))
    assert (copied.code, copied.message, copied.details) == (told.code, told.message, told.details)


def _caller(name: str) -> str:
    subject, kind, department = PEOPLE[name]
    acting = f'department = "{department}"\n' if department else ""
    return (
        f'[[callers]]\nsubject = "{subject}"\nkind = "{kind}"\n{acting}'
        f'[[callers.keys]]\nid = "{name}"\nsha256 = "{hash_api_key(key_of(name))}"\n'
    )


async def licensed(folder: Path) -> Settings:
    """As ``governed``, over a catalogue in which enterprises are open under a licence that has to be accepted."""
    settings = await governed(folder)
    (folder / "licensed").mkdir()
    entries = (EXAMPLES / "twelve_entries.yaml").read_text(encoding="utf-8")
    named = entries.replace("open: {value: true}", "open: {value: true, licence: open-government-registered}", 1)
    (folder / "licensed" / "entries.yaml").write_text(named, encoding="utf-8")
    access = msgspec.structs.replace(settings.access, catalogue=str(folder / "licensed"))
    return msgspec.structs.replace(settings, access=access)


async def test_the_catalogues_open_part_is_read_without_a_key_and_names_each_licence(tmp_path: Path) -> None:
    settings = await licensed(tmp_path)
    limits = LimitSettings(anonymous_rate=0.001, anonymous_burst=2)
    application = create_app(msgspec.structs.replace(settings, limits=limits), plain=False)
    async with serving(application) as address, aiohttp.ClientSession(address) as session:
        for _ in range(2):
            async with session.get("/catalogue.jsonld") as response:
                assert (response.status, response.content_type) == (200, "application/ld+json")
                document = json.loads(await response.read())
        async with session.get("/catalogue.jsonld", headers={"Accept-Language": "zh"}) as refused:
            assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)
            (error,) = (await refused.json())["errors"]
            assert (error["extensions"]["code"], error["message"][-6:]) == ("RATE_LIMITED", "请稍后重试。")
    nodes = {node["@id"]: node for node in document["@graph"]}
    datasets = [node for node in nodes.values() if node["@type"] == "dcat:Dataset"]
    links = {node["dct:identifier"]: node["dct:license"]["@id"] for node in datasets}
    assert links["cq-mr-enterprise"] == "https://watersmeet.dev/licences/open-government-registered"
    assert set(links.values()) - {links["cq-mr-enterprise"]} == {"https://watersmeet.dev/licences/open-government"}
    assert {node["@type"] for node in map(nodes.__getitem__, set(links.values()))} == {"dct:LicenseDocument"}
    assert all(node["@id"].startswith(str(address)) for node in datasets)
    assert "户籍" not in json.dumps(document, ensure_ascii=False), "what is not open is not told"


async def test_a_licence_accepted_at_the_gateway_opens_the_resource_at_its_data_endpoint(tmp_path: Path) -> None:
    application = create_app(await licensed(tmp_path), plain=False)
    async with serving(application) as address, aiohttp.ClientSession(address) as session:

        async def reasons(who: str | None) -> list[str | None]:
            headers = {"X-API-Key": key_of(who)} if who else {}
            query = {"query": '{ enterprise(creditCode: "1") { name } }'}
            async with session.post("/graphql", json=query, headers=headers) as response:
                errors = (await response.json())["errors"]
            return [error["extensions"].get("reason") for error in errors]

        assert await reasons("planner") == await reasons(None) == ["LICENCE_REQUIRED"]
        accepted = {"resource": "30700502/1", "licence": "open-government-registered:2018-05-05"}
        async with session.post("/licences/accept", json=accepted, headers={"X-API-Key": key_of("planner")}) as made:
            assert made.status == 200, await made.text()
        async with asyncio.timeout(30):
            while await reasons("planner") == ["LICENCE_REQUIRED"]:
                pass
        assert await reasons("planner") == [None], "the department is asked, and is not there in this test"
        assert await reasons(None) == ["LICENCE_REQUIRED"]
