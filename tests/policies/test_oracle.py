"""Nobody gets what the policy's words do not give, and everybody gets what they do, over random policies.

``make prove-access`` runs a million pairs of caller and operation, and a hundred thousand questions to Casbin.
"""

import os
import random

from policies.lines import time_text
from policies.proof import prove
from policies.views import Entitlement
from tests.policies.plain_oracle import PlainOracle
from tests.policies.random_policies import (
    START,
    RandomPolicy,
    aimed_pair,
    random_caller,
    random_moment,
    random_needs,
    random_policy,
)

PAIRS = int(os.environ.get("ORACLE_PAIRS", "4000"))
DECISIONS = int(os.environ.get("CASBIN_DECISIONS", "4000"))
PAIRS_PER_POLICY = 200


def check_pair(chance: random.Random, policy: RandomPolicy, oracle: PlainOracle) -> bool:
    """Asks tables and oracle about one caller and operation; says whether it was allowed."""
    if chance.random() < 0.6:
        caller, now, resource, needs = aimed_pair(chance, policy)
    else:
        caller, now = random_caller(chance), random_moment(chance, policy)
        resource, needs = random_needs(chance, policy)
    view = policy.tables.view(caller, now)
    together = chance.sample(sorted(policy.items), chance.randint(1, min(8, len(policy.items))))
    assert (view.too_many(together) is None) is oracle.may_together(caller, together), (caller, together, policy.text)
    answer = view.entitle(resource, needs)
    case = f"{caller} {sorted(needs)} at {time_text(now)} under\n{policy.text}\n{policy.items}"
    allowed = oracle.may(caller, needs, now)
    assert isinstance(answer, Entitlement) is allowed, case
    if not isinstance(answer, Entitlement):
        assert answer.items, case
        assert answer.items <= {item for item, _ in needs}, case
        return False
    assert now < answer.valid_until, case
    for item, act in needs:
        ways = oracle.ways(oracle.rules_about(caller, item, now), item, answer.grant, answer.rows)
        assert oracle.satisfies(ways, item, act), case
        if act == "read":
            # What is given unmasked and to be read must be allowed plainly; a mask must be one that was granted.
            if item in answer.masks:
                assert f"masked:{answer.masks[item]}" in ways, case
                assert "read" not in ways, case
            elif item not in answer.verify_only:
                assert "read" in ways, case
    return True


def test_tables_allow_what_the_plain_reading_allows_and_nothing_else() -> None:
    chance = random.Random(os.environ.get("ORACLE_SEED", "watersmeet"))
    allowed = 0
    for number in range(PAIRS):
        if number % PAIRS_PER_POLICY == 0:
            policy = random_policy(chance)
            oracle = PlainOracle(policy.text, policy.items)
        allowed += check_pair(chance, policy, oracle)
    assert PAIRS / 5 < allowed < PAIRS * 0.8, "the sample must hold both answers in numbers"


def test_tables_equal_casbin_on_random_questions_and_at_every_boundary() -> None:
    chance = random.Random(os.environ.get("ORACLE_SEED", "casbin"))
    asked = allowed = 0
    while asked < DECISIONS:
        policy = random_policy(chance)
        proof = prove(policy.tables, START, samples=300, seed=chance.randrange(2**32))
        assert proof.differences == (), policy.text
        asked += proof.asked
        allowed += proof.allowed
    assert asked / 10 < allowed < asked * 0.9, "the sample must hold both answers in numbers"
