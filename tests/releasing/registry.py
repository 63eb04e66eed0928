"""A registry with the example catalogue in force, and the subgraph of civil affairs in versions that stories need."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.office import CatalogueOffice
from catalog_sync.platform import open_platform
from catalog_sync.registry import Actor
from gateway.releasing.office import ReleaseOffice
from gateway.releasing.users import Users
from tests.catalogue.offices import NOW, REVIEWER, bring_into_force

AUTHOR = Actor("user:author", CreditCode.parse("11500000XXXX000519"), Side.PROVIDER)
ADDRESS = "http://civil.example/graphql"
LINKS = """extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@composeDirective"])
  @link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])
  @composeDirective(name: "@resource")
directive @resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION
scalar Date
"""
CIVIL = (
    LINKS
    + """
type Query { marriages: [MarriageRegistration] organisations(name: String): [SocialOrganisation] }
type MarriageRegistration @resource(code: "30700507/1") { residentId: String registeredOn: Date }
type SocialOrganisation @resource(code: "30700507/2") { creditCode: String! name: String }
"""
)
WITHOUT_DATE = CIVIL.replace(" registeredOn: Date", "")
DOCUMENTS = {"wedding-days": "{ marriages { registeredOn } }", "names": "{ organisations { name } }"}


@contextmanager
def release_office(folder: Path, users: Users | None = None, now: datetime = NOW) -> Iterator[ReleaseOffice]:
    """The office over a store in ``folder``; the catalogue is brought into force the first time."""
    with open_platform(str(folder / "registry.db")) as platform:
        catalogue = CatalogueOffice(platform, clock=lambda: now)
        if not catalogue.in_force():
            bring_into_force(catalogue)
        yield ReleaseOffice(catalogue, lambda: users or Users())


def go_live(office: ReleaseOffice, sdl: str = CIVIL, subgraph: str = "civil", author: Actor = AUTHOR) -> None:
    """A release that nobody has anything against."""
    release, _ = office.publish(subgraph, sdl, ADDRESS, "a release", author)
    office.approve(subgraph, release.number, "in order", REVIEWER, ())
