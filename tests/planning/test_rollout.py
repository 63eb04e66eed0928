"""Shares of progressive overrides: drawn once per request, the same for the same request id."""

from gateway.planning.rollout import Rollout
from tests.planning.plans import supergraph

MOVING = supergraph(
    "a b",
    """
    type Query @type(A) @type(B) { shop: Shop @in(A) }
    type Shop @type(A, key: "id") @type(B, key: "id") {
      id: ID!
      name: String @in(A, overrideLabel: "percent(10)") @in(B, override: "a", overrideLabel: "percent(10)")
      fax: String @in(A, overrideLabel: "percent(60)") @in(B, override: "a", overrideLabel: "percent(60)")
      seat: String @in(A, overrideLabel: "percent(0)") @in(B, override: "a", overrideLabel: "percent(0)")
      site: String @in(A, overrideLabel: "new-site") @in(B, override: "a", overrideLabel: "new-site")
    }
    """,
)
REQUESTS = [f"r-{number:x}" for number in range(4_000)]


def test_a_share_is_that_of_the_requests_and_who_is_in_a_small_one_is_in_a_large_one_too() -> None:
    drawn = [Rollout(MOVING).labels_for(request) for request in REQUESTS]

    assert set(drawn) == {frozenset({"percent(10)", "percent(60)"}), frozenset({"percent(60)"}), frozenset()}
    for label, share in (("percent(10)", 0.10), ("percent(60)", 0.60)):
        assert abs(sum(label in labels for labels in drawn) / len(drawn) - share) < 0.03


def test_the_same_request_id_draws_the_same_whoever_asks() -> None:
    one, other = Rollout(MOVING), Rollout(MOVING)
    assert [one.labels_for(request) for request in REQUESTS] == [other.labels_for(request) for request in REQUESTS]


def test_what_an_operator_names_holds_for_everyone_and_other_labels_for_nobody() -> None:
    rollout = Rollout(MOVING, frozenset({"new-site", "percent(10)"}))
    assert all({"new-site", "percent(10)"} <= rollout.labels_for(request) for request in REQUESTS)
    assert not any("new-site" in Rollout(MOVING).labels_for(request) for request in REQUESTS)


def test_there_is_one_choice_more_than_there_are_shares() -> None:
    assert len(Rollout(MOVING).sets) == 3
    assert {Rollout(MOVING).labels_for(request) for request in REQUESTS} == set(Rollout(MOVING).sets)
