"""Plans as trees and as JSON."""

from textwrap import dedent

from gateway.planning.printing import render_json, render_text
from tests.planning.plans import plan, supergraph

MODEL = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) { shops: [Shop!]! @in(A) now: Int @in(B) }
    type Subscription @type(A) { opened: Shop @in(A) }
    type Shop @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
      id: ID! name: String @in(A) rating: Int @in(B) tax: Int @in(C, requires: "rating") @in(B, external: true)
    }
    """,
)


def test_a_plan_prints_as_the_tree_that_other_gateways_print() -> None:
    assert render_text(plan(MODEL, "{ now shops { name tax } }")) == dedent(
        """\
        QueryPlan {
          Sequence {
            Parallel {
              Fetch(service: "b") {
                {
                  now
                }
              }
              Fetch(service: "a") {
                {
                  shops {
                    name
                    id
                  }
                }
              }
            }
            Flatten(path: "shops.@") {
              Fetch(service: "b") {
                {
                  ... on Shop { __typename id }
                } =>
                {
                  ... on Shop {
                    rating
                  }
                }
              }
            }
            Flatten(path: "shops.@") {
              Fetch(service: "c") {
                {
                  ... on Shop { __typename id rating }
                } =>
                {
                  ... on Shop {
                    tax
                  }
                }
              }
            }
          }
        }"""
    )


def test_a_subscription_prints_its_trigger_and_the_rest() -> None:
    assert render_text(plan(MODEL, "subscription { opened { rating } }")) == dedent(
        """\
        QueryPlan {
          Subscription {
            Primary {
              Fetch(service: "a") {
                {
                  opened {
                    id
                  }
                }
              }
            }
            Rest {
              Flatten(path: "opened") {
                Fetch(service: "b") {
                  {
                    ... on Shop { __typename id }
                  } =>
                  {
                    ... on Shop {
                      rating
                    }
                  }
                }
              }
            }
          }
        }"""
    )


def test_a_plan_is_json_with_numbers_for_dependencies() -> None:
    shown = render_json(plan(MODEL, "{ shops { rating } }"))
    assert shown["fetches"][1] == {
        "number": 1,
        "subgraph": "b",
        "kind": "query",
        "after": [0],
        "document": "query($representations: [_Any!]!) "
        "{ _entities(representations: $representations) { ... on Shop { rating } } }",
        "variables": [],
        "entities": [
            {
                "alias": "_entities",
                "paths": ["shops.@"],
                "representations": ["... on Shop { __typename id }"],
                "context": [],
            }
        ],
    }
