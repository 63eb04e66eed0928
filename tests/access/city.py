"""A small city for access tests: three resources of the example catalogue, one supergraph, one policy, four callers."""

from datetime import UTC, datetime
from pathlib import Path

from graphql import parse, validate

from catalog_sync.loading import load_catalogue
from gateway.access.caller_view import CallerView, Permitted
from gateway.access.governance import Governance
from gateway.access.permit import permit
from gateway.planning.normalize import normalize
from gateway.supergraph.join_sdl import read_supergraph
from policies.callers import Caller, CallerKind, anonymous
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.tables import compile_lines

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RESIDENT, ENTERPRISE, ESTATE, MARRIAGE = "30700503/1", "30700502/1", "30700504/1", "30700507/1"

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])
  { query: Query mutation: Mutation subscription: Subscription }
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: String, extension: Boolean! = false, resolvable: Boolean! = true,
  isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: String, provides: String, type: String, external: Boolean)
  repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @link(url: String, as: String, for: link__Purpose, import: [String]) repeatable on SCHEMA
directive @resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  POLICE @join__graph(name: "police", url: "http://127.0.0.1:1/graphql")
  LAND @join__graph(name: "land", url: "http://127.0.0.1:2/graphql")
  MARKET @join__graph(name: "market", url: "http://127.0.0.1:3/graphql")
}
interface Named @join__type(graph: POLICE) @join__type(graph: MARKET) { name: String }
type Query @join__type(graph: POLICE) @join__type(graph: LAND) @join__type(graph: MARKET) {
  resident(id: ID, residentId: String): ResidentBasic @join__field(graph: POLICE)
  residents(where: ResidentWhere, orderBy: ResidentOrder, first: Int): ResidentPage @join__field(graph: POLICE)
  enterprise(creditCode: String!): EnterpriseRegistration @join__field(graph: MARKET)
  named(name: String!): [Named!] @join__field(graph: MARKET)
  residentsCounted: Int @join__field(graph: POLICE)
}
type Mutation @join__type(graph: MARKET) {
  confirmAddress(creditCode: String!): EnterpriseRegistration @join__field(graph: MARKET)
}
type Subscription @join__type(graph: POLICE) {
  moved(residentId: String!): ResidentBasic @join__field(graph: POLICE)
}
input ResidentWhere @join__type(graph: POLICE) { sex: String registeredAddress: String }
enum ResidentOrder @join__type(graph: POLICE) {
  NAME_ASC @join__enumValue(graph: POLICE)
  REGISTERED_ADDRESS @join__enumValue(graph: POLICE)
}
type ResidentPage @join__type(graph: POLICE) { nodes: [ResidentBasic!] total: Int }
type ResidentBasic implements Named @join__implements(graph: POLICE, interface: "Named")
  @join__type(graph: POLICE, key: "residentId") @join__type(graph: LAND, key: "residentId")
  @resource(code: "30700503/1") {
  residentId: String
  name: String @join__field(graph: POLICE)
  sex: String @join__field(graph: POLICE)
  registeredAddress: String @join__field(graph: POLICE) @join__field(graph: LAND, external: true)
  remarks: String @join__field(graph: POLICE)
  district: String @join__field(graph: LAND, requires: "registeredAddress") @resource(code: "30700504/2")
  realEstate: [RealEstateRegistration!] @join__field(graph: LAND)
  holdings: [RealEstateRegistration!] @join__field(graph: LAND) @resource(code: "30700504/1")
  neighbour: ResidentBasic @join__field(graph: POLICE)
}
type RealEstateRegistration @join__type(graph: LAND, key: "unitNo") @resource(code: "30700504/1") {
  unitNo: String
  location: String
  holderId: String
  floorArea: Float
}
type EnterpriseRegistration implements Named @join__implements(graph: MARKET, interface: "Named")
  @join__type(graph: MARKET, key: "creditCode") @resource(code: "30700502/1") {
  creditCode: String!
  name: String
  address: String
  phone: String
}
"""

POLICY = """
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320, allow
p, Q-1.a, dept:welfare, z:gov, eligibility-check, 30700503/1.registeredAddress, read, *, \
2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-1, allow
p, Q-2, dept:welfare, z:gov, eligibility-check, 30700504/1/*, read, *, \
2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-2, allow
g, app:benefits, dept:welfare, welfare
g, app:archive, dept:archives, archives
g, dept:welfare, gov, welfare
g, dept:archives, gov, archives
g, gov, public, welfare
g, gov, public, archives
g, anon, public, -
g3, extranet, z:gov
g3, extranet, z:any
g3, internet, z:any
"""

PUBLIC = anonymous("internet")
ARCHIVE = Caller(CallerKind.APPLICATION, "app:archive", department="archives", zone="extranet")
GRANTED = Caller(
    CallerKind.APPLICATION, "app:benefits", department="welfare", zone="extranet", purpose="eligibility-check"
)  # fmt: skip


def govern(policy: str = POLICY, sdl: str = SUPERGRAPH) -> Governance:
    """The city under a policy."""
    catalogue = load_catalogue(Path(__file__).parent.parent / "catalogue" / "examples")
    tables = compile_lines("test", parse_policy(policy), items_of_catalogue(catalogue.entries, NOW.date()))
    return Governance(read_supergraph(sdl), catalogue, tables, "https://apply.example/{resource}")


def ask(view: CallerView, text: str, variables: dict[str, object] | None = None, *, partial: bool = False) -> Permitted:
    """An operation judged for a caller: AssertionError when it does not fit the caller's schema."""
    document = parse(text)
    problems = validate(view.schema, document)
    assert not problems, problems
    return permit(normalize(view.schema, document, None, variables or {}), view, partial=partial)
