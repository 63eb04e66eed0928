"""How what the catalogue says can be had stands for one caller: had already, to be applied for, or not to be had."""

from collections.abc import Iterable
from datetime import datetime

from catalog_sync.languages import Language
from policies.callers import Caller
from policies.explain import Verdict, explain
from policies.tables import PolicyTables
from policies.views import Act
from policies.wording import say


def standing(
    tables: PolicyTables, caller: Caller, items: Iterable[str], now: datetime, language: Language = Language.ENGLISH
) -> dict[str, str]:
    """For each item (``30700507/1.maritalStatus``) that the policy speaks of, how it stands for ``caller``, and why."""
    known = [(item, Act.READ) for item in items if item in tables.items]
    return {
        verdict.item: say(_standing(verdict), subject=caller.subject, why=verdict.said).within(language)
        for verdict in explain(tables, caller, known, now)
    }


def _standing(verdict: Verdict) -> str:
    if verdict.allowed:
        return "has it"
    return "can apply" if verdict.apply else "cannot have it"
