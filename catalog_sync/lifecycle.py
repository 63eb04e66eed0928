"""State machines as tables: what runs, what is refused and what is drawn in docs/ come from the same rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from catalog_sync.closed_lists import EntryState
from catalog_sync.errors import ILLEGAL_TRANSITION, CodedError


class Side(StrEnum):
    """Who takes a step: the department that answers for the resource, the competent department, or the platform."""

    PROVIDER = "provider"
    COMPETENT = "competent department"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow: an event taken by a side leads from a state to another."""

    event: str
    source: StrEnum
    target: StrEnum
    side: StrEnum


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A named set of arrows and the state in which everything begins."""

    name: str
    initial: StrEnum
    transitions: tuple[Transition, ...]

    def after(self, state: StrEnum, event: str, side: Side, subject: str) -> StrEnum:
        """The state after an event; CodedError ILLEGAL_TRANSITION if there is no such arrow for that side."""
        for transition in self.transitions:
            if transition.source == state and transition.event == event and transition.side == side:
                return transition.target
        message = f"{subject} is {state}, so the {side} cannot {event} it. Possible now: {self.possible(state)}."
        raise CodedError(ILLEGAL_TRANSITION, message, {"state": str(state), "event": event})

    def target(self, state: StrEnum, event: str) -> StrEnum | None:
        """The state after an event, whoever takes it; None if there is no such arrow."""
        return next((each.target for each in self.transitions if (each.source, each.event) == (state, event)), None)

    def possible(self, state: StrEnum) -> str:
        """What can happen in a state, for messages."""
        listed = [f"{each.event} by the {each.side}" for each in self.transitions if each.source == state]
        return ", ".join(dict.fromkeys(listed)) or "nothing, it has ended"

    def states(self) -> tuple[StrEnum, ...]:
        """Every state, the initial one first, then in the order of the arrows."""
        listed = [self.initial, *(state for each in self.transitions for state in (each.source, each.target))]
        return tuple(dict.fromkeys(listed))

    def diagram(self) -> str:
        """The machine as a Mermaid state diagram."""
        ends = [state for state in self.states() if all(each.source != state for each in self.transitions)]
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {each.source} --> {each.target}: {each.event} ({each.side})" for each in self.transitions]
        lines += [f"    {state} --> [*]" for state in ends]
        return "\n".join(lines)


ENTRY_LIFECYCLE = StateMachine(
    "version of a catalogue entry",
    EntryState.DRAFT,
    (
        Transition("submit", EntryState.DRAFT, EntryState.SUBMITTED, Side.PROVIDER),
        Transition("recall", EntryState.SUBMITTED, EntryState.DRAFT, Side.PROVIDER),
        Transition("return", EntryState.SUBMITTED, EntryState.RETURNED, Side.COMPETENT),
        Transition("accept", EntryState.SUBMITTED, EntryState.ACCEPTED, Side.COMPETENT),
        Transition("revise", EntryState.RETURNED, EntryState.DRAFT, Side.PROVIDER),
        Transition("return", EntryState.ACCEPTED, EntryState.RETURNED, Side.COMPETENT),
        Transition("release", EntryState.ACCEPTED, EntryState.RELEASED, Side.COMPETENT),
        Transition("withdraw", EntryState.RELEASED, EntryState.WITHDRAWN, Side.PROVIDER),
        Transition("supersede", EntryState.RELEASED, EntryState.WITHDRAWN, Side.PLATFORM),
    ),
)


class ReleaseState(StrEnum):
    """Where a subgraph's release stands."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    APPROVED = "approved"
    LIVE = "live"
    RETIRED = "retired"


RELEASE_LIFECYCLE = StateMachine(
    "release of a subgraph",
    ReleaseState.PROPOSED,
    (
        Transition("refuse", ReleaseState.PROPOSED, ReleaseState.REFUSED, Side.COMPETENT),
        Transition("approve", ReleaseState.PROPOSED, ReleaseState.APPROVED, Side.COMPETENT),
        Transition("refuse", ReleaseState.APPROVED, ReleaseState.REFUSED, Side.COMPETENT),
        Transition("go live", ReleaseState.APPROVED, ReleaseState.LIVE, Side.PLATFORM),
        Transition("replace", ReleaseState.LIVE, ReleaseState.RETIRED, Side.PLATFORM),
        Transition("retire", ReleaseState.LIVE, ReleaseState.RETIRED, Side.PROVIDER),
        Transition("roll back", ReleaseState.RETIRED, ReleaseState.LIVE, Side.COMPETENT),
    ),
)


class SubmissionState(StrEnum):
    """Where an entry stands at one level of its way upwards."""

    SENT = "sent"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"


SUBMISSION_LIFECYCLE = StateMachine(
    "submission from one level to the next",
    SubmissionState.SENT,
    (
        Transition("receive", SubmissionState.SENT, SubmissionState.SUBMITTED, Side.PLATFORM),
        Transition("accept", SubmissionState.SUBMITTED, SubmissionState.ACCEPTED, Side.COMPETENT),
        Transition("return", SubmissionState.SUBMITTED, SubmissionState.RETURNED, Side.COMPETENT),
        Transition("send again", SubmissionState.RETURNED, SubmissionState.SENT, Side.PROVIDER),
    ),
)

MACHINES = (ENTRY_LIFECYCLE, SUBMISSION_LIFECYCLE, RELEASE_LIFECYCLE)


def diagrams(machines: Iterable[StateMachine] = MACHINES) -> str:
    """Every machine's diagram under its name, as a section of docs/catalogue-sync.md."""
    return "\n\n".join(f"### {each.name.capitalize()}\n\n```mermaid\n{each.diagram()}\n```" for each in machines) + "\n"
