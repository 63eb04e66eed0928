"""What execution costs between the network calls: the general path beside the compiled form, on recorded answers.

    python -m benchmarks.execution      microseconds of CPU per request, best of several rounds, and their ratio

The shop has the shape of a public gateways benchmark: users, their reviews, the products, the reviews' authors and
their reviews; seven calls on four levels, an answer of some 86 kB. ``wide`` is a list of 2,100 products with two
entity hops. No network, no planner: the transport answers at once from memory.
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field

from graphql import build_schema

from gateway.execution.compiled import CompiledPlan, compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan
from gateway.planning.plan import FetchedField, QueryPlan
from tests.execution.plans import Entities, EntityFetch, Root, entities, plan

SCHEMA = build_schema("""
    type Query { me: User users: [User] topProducts(first: Int = 5): [Product] }
    type User { id: ID! name: String username: String birthday: Int reviews: [Review] }
    type Product {
      upc: String! name: String price: Int weight: Int inStock: Boolean shippingEstimate: Int reviews: [Review]
    }
    type Review { id: ID! body: String product: Product author: User }
""")
PRODUCT = "inStock name price shippingEstimate upc weight"
AUTHOR = f"author {{ id username name reviews {{ id body product {{ {PRODUCT} }} }} }}"
FETCHED_AUTHOR = "author { id username reviews { id body product { upc } } }"
AUTHORS = "users.reviews.product.reviews.author topProducts.reviews.author"
NESTED = (
    "users.reviews.product users.reviews.product.reviews.author.reviews.product "
    "topProducts.reviews.author.reviews.product"
)
BENCH = plan(
    SCHEMA,
    f"""{{
      users {{ id username name reviews {{ id body product {{ {PRODUCT} reviews {{ id body {AUTHOR} }} }} }} }}
      topProducts {{ {PRODUCT} reviews {{ id body {AUTHOR} }} }}
    }}""",
    Root("accounts", "{ users { id username name } }"),
    Root("products", "{ topProducts { upc name price weight } }"),
    EntityFetch("reviews", (0, 1), (
        Entities("Product", "topProducts", "upc", f"{{ reviews {{ id body {FETCHED_AUTHOR} }} }}"),
        Entities(
            "User", "users", "id",
            f"{{ reviews {{ id body product {{ upc reviews {{ id body {FETCHED_AUTHOR} }} }} }} }}",
        ),
    )),
    entities("inventory", "Product", "topProducts", "upc price? weight?", "{ inStock shippingEstimate }", (1,)),
    entities("accounts", "User", AUTHORS, "id", "{ name }", (2,)),
    entities("products", "Product", NESTED, "upc", "{ name price weight }", (2,)),
    entities("inventory", "Product", NESTED, "upc price? weight?", "{ inStock shippingEstimate }", (5,)),
)  # fmt: skip
WIDE = plan(
    SCHEMA,
    f"{{ topProducts {{ {PRODUCT} reviews {{ id body author {{ id name birthday }} }} }} }}",
    Root("products", "{ topProducts(first: 2100) { upc name price weight } }"),
    entities("reviews", "Product", "topProducts", "upc", "{ reviews { id body author { id } } }", (0,)),
    entities("inventory", "Product", "topProducts", "upc price? weight?", "{ inStock shippingEstimate }", (0,)),
    entities("accounts", "User", "topProducts.reviews.author", "id", "{ name birthday }", (1,)),
)
SMALL = plan(SCHEMA, "{ me { id name username } }", Root("accounts", "{ me { id name username } }"))
WORKLOADS = {"small": (SMALL, 1), "bench": (BENCH, 6), "wide": (WIDE, 2100)}


class Shop:
    """The subgraphs' data, answered along a fetch's fields."""

    def __init__(self, products: int) -> None:
        self.users = {
            f"u{n}": {"id": f"u{n}", "name": f"User {n}", "username": f"@user{n}", "birthday": 1990} for n in range(6)
        }
        self.products = {
            f"p{n}": {
                "upc": f"p{n}", "name": f"Product {n}", "price": 899 + n % 7, "weight": 100 + n % 3,
                "inStock": n % 2 == 0, "shippingEstimate": 45 + n % 5,
            }
            for n in range(products)
        }  # fmt: skip
        count = max(24, products)
        self.reviews = [
            {"id": f"r{n}", "body": "Could be better", "author": f"u{n % 6}", "product": f"p{n * 7 % products}"}
            for n in range(count)
        ]

    def data(self, query_plan: QueryPlan, number: int, variables: dict[str, list[dict[str, str]]]) -> dict[str, object]:
        """What a subgraph answers to a fetch of a plan."""
        fetch = query_plan.fetches[number]
        if not fetch.entities:
            first = next(iter(self.users.values()))
            roots = {"me": first, "users": list(self.users.values()), "topProducts": list(self.products.values())}
            return {each.slot: self._value(roots[each.slot], each.fields) for each in fetch.fields}
        return {
            request.alias: [self._value(self._entity(each), request.fields) for each in variables[request.variable]]
            for request in fetch.entities
        }

    def _entity(self, representation: dict[str, str]) -> dict[str, object]:
        rows = self.users if representation["__typename"] == "User" else self.products
        return rows[representation["id" if representation["__typename"] == "User" else "upc"]]

    def _value(self, value: object, fields: tuple[FetchedField, ...]) -> object:
        if isinstance(value, list):
            return [self._value(each, fields) for each in value]
        if not fields or not isinstance(value, dict):
            return value
        return {each.slot: self._value(self._resolved(value, each.slot), each.fields) for each in fields}

    def _resolved(self, row: dict[str, object], name: str) -> object:
        if name == "reviews":
            key, own = ("author", row["id"]) if "id" in row else ("product", row["upc"])
            return [review for review in self.reviews if review[key] == own]
        if name in ("author", "product") and "body" in row:
            return (self.users if name == "author" else self.products)[str(row[name])]
        return row[name]


@dataclass
class Recorded:
    """A transport that has the answer to each body in memory; records them from a shop the first time."""

    query_plan: QueryPlan
    shop: Shop
    answers: dict[bytes, bytes] = field(default_factory=dict)

    async def send(self, subgraph: str, body: bytes, headers: object, timeout: float) -> bytes:  # noqa: ASYNC109
        """The answer, at once."""
        if body not in self.answers:
            request = json.loads(body)
            fetch = next(each for each in self.query_plan.fetches if each.document == request["query"])
            data = self.shop.data(self.query_plan, fetch.number, request.get("variables", {}))
            self.answers[body] = json.dumps({"data": data}, separators=(",", ":")).encode()
        return self.answers[body]


def prepared(name: str, compiled: bool) -> tuple[CompiledPlan, Recorded]:
    """A workload's plan, run often enough that its form is made (or kept from ever being made)."""
    query_plan, products = WORKLOADS[name]
    made = compile_plan(query_plan, SCHEMA, None)
    if compiled:
        made.warm()
    return made, Recorded(query_plan, Shop(products))


async def measure(name: str, compiled: bool, rounds: int, seconds: float) -> tuple[float, int]:
    """Microseconds of CPU per request (best round), and the size of the answer."""
    made, transport = prepared(name, compiled)
    bound = BoundPlan(made)
    for _ in range(3):
        size = len((await execute(bound, transport)).encode())
    best = float("inf")
    for _ in range(rounds):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            (await execute(bound, transport)).encode()
            count += 1
        best = min(best, (time.process_time() - start) / count)
    return best * 1e6, size


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    options = parser.parse_args()
    print(f"{'workload':10}{'answer kB':>10}{'general':>12}{'compiled':>12}{'ratio':>8}")
    for name in WORKLOADS:
        general, size = asyncio.run(measure(name, False, options.rounds, options.seconds))
        compiled, _ = asyncio.run(measure(name, True, options.rounds, options.seconds))
        print(f"{name:10}{size / 1000:10.1f}{general:12.1f}{compiled:12.1f}{general / compiled:8.1f}")


if __name__ == "__main__":
    main()
