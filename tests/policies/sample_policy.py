"""A small policy over invented resources, with one of everything; used by several tests."""
# ruff: noqa: E501 - a policy line is one line

from datetime import UTC, datetime

from policies.callers import Caller, CallerKind, anonymous
from policies.lines import parse_policy
from policies.tables import PolicyTables, compile_lines

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

SAMPLE = """
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:sharing-act-s5, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:open-data-s2, allow
p, Q-0042, dept:welfare, z:gov, eligibility-check, set:tax.income.band, read, rows:own-claimants, 2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-0042, allow
p, Q-0051, role:auditor, z:intranet, statutory-audit, tax.income/*, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:2026-0051, allow
p, Q-0060, dept:welfare, z:gov, eligibility-check, tax.income.amount, filter, rows:own-claimants, 2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z, request:2026-0060, allow
p, Q-0061, dept:stats, z:intranet, official-statistics, health.visit.diagnosis, aggregate, *, 2026-01-01T00:00:00Z, 2028-01-01T00:00:00Z, law:statistics-act-s9, allow
p, A-0007, app:trip-planner, z:any, journey-planning, set:transport.realtime, read, *, 2026-09-01T00:00:00Z, 2027-09-01T00:00:00Z, application:2026-0007, allow
p, L-0003, dept:coroner, z:intranet, inquest, health.visit.diagnosis, read, rows:deceased, 2026-01-01T00:00:00Z, 2031-01-01T00:00:00Z, law:coroners-act-s14, allow
p, D-0001, dept:lottery, z:any, *, person.profile/*, *, *, 2026-11-03T08:00:00Z, 9999, incident:2026-11-03, deny
p, D-0002, public, z:any, *, econ.cpi/*, *, *, 0000, 2026-12-15T09:30:00Z, embargo:cpi-2026-11, deny
p, D-0003, gov, z:extranet, *, person.profile.address, *, *, 0000, 9999, risk:R-17, deny
p2, C-1, role:steward, propose, tax.income/*, allow
p2, C-2, role:approver, approve, tax.income/*, allow
rows, rows:own-claimants, tax.income, {"op": "equals", "item": "band", "value": "low"}
rows, rows:deceased, health.visit, {"op": "absent", "item": "diagnosis"}
g, app:benefits-portal, dept:welfare, welfare
g, app:lottery-crm, dept:lottery, lottery
g, user:ada, role:auditor, audit
g, user:sue, role:steward, tax
g, user:tom, role:steward, tax
g, user:tom, role:approver, tax
g, dept:welfare, gov, welfare
g, dept:lottery, gov, lottery
g, gov, public, welfare
g, gov, public, lottery
g, app:cohort-study, dept:stats, stats
g, app:morgue, dept:coroner, coroner
g, anon, public, -
g, app:trip-planner, public, -
g2, person.profile.name, share:unconditional
g2, person.profile.name, open:not_open
g2, person.profile.name, person.profile/*
g2, person.profile.address, share:unconditional
g2, person.profile.address, open:not_open
g2, person.profile.address, person.profile/*
g2, tax.income.band, share:conditional
g2, tax.income.band, open:not_open
g2, tax.income.band, tax.income/*
g2, tax.income.band, set:tax.income.band
g2, tax.income.amount, share:conditional
g2, tax.income.amount, open:not_open
g2, tax.income.amount, tax.income/*
g2, health.visit.diagnosis, share:not_shared
g2, health.visit.diagnosis, open:not_open
g2, transport.stop.name, share:unconditional
g2, transport.stop.name, open:open
g2, transport.stop.delay, share:conditional
g2, transport.stop.delay, open:on_application
g2, transport.stop.delay, set:transport.realtime
g2, econ.cpi.index, share:unconditional
g2, econ.cpi.index, open:open
g2, econ.cpi.index, econ.cpi/*
g3, intranet, z:intranet
g3, intranet, z:gov
g3, intranet, z:any
g3, extranet, z:extranet
g3, extranet, z:gov
g3, extranet, z:any
g3, internet, z:any
"""


def sample_tables(extra: str = "") -> PolicyTables:
    return compile_lines("sample", parse_policy(SAMPLE + extra), {})


def caller(subject: str, department: str | None = None, zone: str = "intranet", purpose: str | None = None) -> Caller:
    if subject == "anon":
        return anonymous(zone, purpose)
    return Caller(CallerKind.APPLICATION, subject, department, zone=zone, purpose=purpose)
