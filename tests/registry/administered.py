"""A gateway with a registry as it is served: people of four departments ask its administration over HTTP."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import create_app
from gateway.policy_source import open_store
from gateway.settings import convert_settings
from policies.context import parse_signing_key
from policies.credentials import hash_api_key
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.publication import Person, PolicyOffice, utc_now
from tests.catalogue.offices import bring_into_force, office
from tests.support.serving import serving

PEOPLE = {
    "li": ("traffic", "catalogue-officer"),
    "author": ("civil-affairs", "catalogue-officer"),
    "mei": ("traffic", "opening-reviewer"),
    "tao": ("traffic", "opening-reviewer"),
    "hu": ("welfare", "catalogue-officer"),
    "wu": ("reform", "competent-department"),
    "qian": ("audit", "auditor"),
}
DEPARTMENTS = {
    "traffic": ("重庆市交通局", "11500000XXXX0006X1", "30700506"),
    "civil-affairs": ("重庆市民政局", "11500000XXXX000519", "30700507"),
    "welfare": ("重庆市人力资源和社会保障局", "11500000XXXX00043E", "30700511"),
    "reform": ("重庆市公安局", "11500000XXXX00019X", "30700503"),
}
POLICY = """
p, T-1, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:sharing-measures-s9, allow
p, Q-1, dept:welfare, z:gov, joint-work, 30700507/1/*, read, *, 2026-01-01T00:00:00Z, 2028-01-01T00:00:00Z, request:1, allow
p2, C-1, role:administrator, propose, policy, allow
g, user:chen, role:administrator, reform
g, user:hu, dept:welfare, welfare
g, dept:welfare, gov, welfare
g, user:li, dept:traffic, traffic
g, dept:traffic, gov, traffic
g3, extranet, z:gov
"""  # noqa: E501 - lines of policy cannot be broken


@dataclass(frozen=True, slots=True)
class Bureau:
    """The administration at its address."""

    address: str
    session: aiohttp.ClientSession

    async def post(self, who: str, document: str, **variables: Any) -> Any:
        """The whole answer to a person's request."""
        body, headers = {"query": document, "variables": variables}, {"X-API-Key": f"wsk_{who}"}
        async with self.session.post(f"{self.address}/admin/graphql", json=body, headers=headers) as response:
            return await response.json()

    async def ask(self, who: str, document: str, **variables: Any) -> Any:
        """The value of the only field asked for; it must have no error."""
        answer = await self.post(who, document, **variables)
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    async def refused(self, who: str, document: str, **variables: Any) -> dict[str, Any]:
        """The one error, its code among its extensions."""
        (error,) = (await self.post(who, document, **variables))["errors"]
        return {"message": error["message"], **error["extensions"]}


def as_file(name: str, content: bytes) -> dict[str, str]:
    """A file as the API takes it."""
    return {"name": name, "content": base64.b64encode(content).decode()}


@asynccontextmanager
async def bureau(folder: Path) -> AsyncIterator[Bureau]:
    """The example catalogue in force in a registry, and the gateway over it."""
    with office(folder) as here:
        bring_into_force(here)
        items = items_of_catalogue(here.in_force(), utc_now().date())
    (folder / "key").write_text("console:a-secret-of-the-console-for-tests")
    (folder / "persons").write_text("a-secret-for-persons-in-the-ledger-for-tests")
    (folder / "documents.json").write_text('{"wedding-days": "{ marriages { registeredOn } }"}')
    (folder / "callers.toml").write_text("".join(map(_caller, PEOPLE)))
    (folder / "departments.yaml").write_text("providers:\n" + "".join(map(_department, DEPARTMENTS)), encoding="utf-8")
    async with open_store(str(folder / "policy.db")) as store:
        key = parse_signing_key((folder / "key").read_text())
        lines = tuple(line.tokens for line in parse_policy(POLICY))
        await PolicyOffice(store, key, lambda: items, samples=10).install(lines, Person("user:chen", "reform"), "first")
    settings = convert_settings({
        "registry": {"store": str(folder / "registry.db"), "departments": str(folder / "departments.yaml")},
        "access": {
            "store": str(folder / "policy.db"), "store_key": str(folder / "key"),
            "person_key": str(folder / "persons"), "callers": str(folder / "callers.toml"), "zone": "extranet",
        },
        "documents": {"trusted": str(folder / "documents.json")},
        "subgraphs": {"civil": {"key_file": str(folder / "key")}},
    })  # fmt: skip
    async with serving(create_app(settings, plain=False)) as address, aiohttp.ClientSession() as session:
        yield Bureau(address, session)


def _caller(name: str) -> str:
    department, role = PEOPLE[name]
    return (
        f'[[callers]]\nsubject = "user:{name}"\nkind = "officer"\ndepartment = "{department}"\nroles = ["{role}"]\n'
        f'[[callers.keys]]\nid = "{name}"\nsha256 = "{hash_api_key(f"wsk_{name}")}"\n'
    )


def _department(name: str) -> str:
    title, code, classes = DEPARTMENTS[name]
    return (
        f"  - {{name: {title}, uscc: {code}, responsible: 负责人, unit: 处, contact: 科, classes: ['{classes}'], "
        f"department: {name}}}\n"
    )
