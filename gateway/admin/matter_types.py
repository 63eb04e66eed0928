"""What applications, openings and doubts share in the administration's schema."""

from datetime import date

import strawberry

from catalog_sync.rule_profiles import RunningClock
from policies import matters


@strawberry.type(description="A step that was taken.")
class Step:
    at: str = strawberry.field(description="UTC, ISO 8601.")
    person: str
    department: str
    act: str
    note: str

    @staticmethod
    def of(step: matters.Step) -> "Step":
        return Step(at=step.at, person=step.by.subject, department=step.by.department, act=step.act, note=step.note)


@strawberry.type(description="A period of the law, in working days.")
class Clock:
    name: str = strawberry.field(description="Such as C3.")
    profile: str = strawberry.field(description="The rule profile that was in force when it began.")
    due: date = strawberry.field(description="The last day, which is still in time.")
    provisional: bool = strawberry.field(description="Whether it reaches beyond the published calendar and may move.")

    @staticmethod
    def of(clock: RunningClock) -> "Clock":
        deadline = clock.deadline
        return Clock(name=clock.clock, profile=clock.profile, due=deadline.date, provisional=deadline.provisional)
