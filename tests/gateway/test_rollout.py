"""Progressive overrides on the way of a request: each draws its labels, and few plans serve all."""

from gateway.snapshot import Snapshot, Text
from tests.planning.test_rollout import MOVING, REQUESTS


async def test_each_request_is_planned_for_the_labels_that_it_draws_and_plans_are_shared() -> None:
    snapshot = Snapshot(MOVING, "1")

    plans = {}
    for request_id in REQUESTS[:100]:
        prepared, _ = await snapshot.prepare(Text("{ shop { fax } }", request_id=request_id), snapshot.plain_view, {})
        plans[id(prepared.compiled)] = [fetch.subgraph for fetch in prepared.compiled.plan.fetches]

    assert sorted(plans.values()) == [["a"], ["a", "b"], ["a", "b"]]
