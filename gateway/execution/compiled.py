"""What is made once per plan, whatever the values of a request."""

import asyncio
import threading
import weakref
from collections import deque

from graphql import GraphQLSchema

from gateway.execution.compilation.form import CompiledForm, compiled_form
from gateway.execution.completion import Completing
from gateway.execution.introspection import Introspection
from gateway.execution.response_tree import Merging
from gateway.execution.schedule import Schedule
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import QueryPlan
from gateway.yielding import yielding

COMPILED_AT_RUN = 2
"""Which execution of a plan pays for its compiled form, some milliseconds that a rare plan would never give back."""

RECOMPILED_AFTER_RUNS = 50
"""How many more executions bring back a form that had to make room for others."""

MISMATCHES_TO_GIVE_UP = 8
"""More than matches. The form comes back when the plan has run as often again: what a subgraph does wrong may pass."""

MAX_LIVE_SHAPES = 4_000
"""Shapes in all compiled forms of a process: about 9 kB each, so some 36 MB."""


WEIGHT = 32_000
"""Bytes for which a remembered value counts as one more."""


class FormBudget:
    """Keeps the compiled forms of a process within a bound: the oldest make room for the newest."""

    def __init__(self, shapes: int) -> None:
        self._limit = shapes
        self._lock = threading.Lock()
        self._held: deque[tuple[weakref.ref[CompiledPlan], int]] = deque()
        self._total = 0

    def admit(self, plan: "CompiledPlan", shapes: int) -> None:
        """Count the form of a plan in, and others out."""
        with self._lock:
            self._held.append((weakref.ref(plan), shapes))
            self._total += shapes
            while self._total > self._limit and len(self._held) > 1:
                oldest, freed = self._held.popleft()
                self._total -= freed
                made_room = oldest()
                if made_room is not None:
                    made_room.make_room()


FORMS = FormBudget(MAX_LIVE_SHAPES)


class CompiledPlan:
    """A plan prepared for execution; lives in a cache as long as the plan does."""

    __slots__ = (
        "__weakref__", "_compiled_at_run", "_form", "_mismatches", "_runs", "completing", "introspection", "merging",
        "plan", "schedule", "schema", "templates", "weight",
    )  # fmt: skip

    def __init__(self, plan: QueryPlan, schema: GraphQLSchema, compiled_at_run: int | None) -> None:
        self.plan = plan
        self.weight = plan.size() // WEIGHT
        self.schema = schema
        self.schedule = Schedule(plan.fetches)
        self.templates = tuple(RequestTemplate(fetch) for fetch in plan.fetches)
        self.introspection = Introspection(plan.introspection, schema) if plan.introspection is not None else None
        self.merging = Merging(schema)
        self.completing = Completing(schema)
        self._compiled_at_run = compiled_at_run
        self._form: CompiledForm | None = None
        self._runs = 0
        self._mismatches = 0

    def form(self) -> CompiledForm | None:
        """The compiled form, if the plan has one; a thread begins to make it when it is time."""
        self._runs += 1
        if self._runs == self._compiled_at_run and self._form is None:
            asyncio.get_running_loop().run_in_executor(None, self.warm)
            return None
        return self._form

    def warm(self) -> None:
        """Makes the compiled form here and now: some milliseconds for a large plan, so not on an event loop."""
        if self._form is not None:
            return
        with yielding():
            form = compiled_form(self.plan, self.templates, self.schema)
        if form is not None:
            FORMS.admit(self, form.shapes)
            self._form = form

    def make_room(self) -> None:
        """Let the form go; enough further use brings it back."""
        self._let_go(RECOMPILED_AFTER_RUNS)

    def matched(self) -> None:
        """Note that the form made an answer."""
        if self._mismatches:
            self._mismatches -= 1

    def mismatched(self) -> None:
        """Note that the form had to hand over. One that mostly does is given up for a time."""
        self._mismatches += 1
        if self._mismatches >= MISMATCHES_TO_GIVE_UP:
            self._mismatches = 0
            self._let_go(max(self._runs, RECOMPILED_AFTER_RUNS))

    def _let_go(self, runs: int) -> None:
        if self._form is not None:
            self._form = None
            self._compiled_at_run = self._runs + runs


def compile_plan(plan: QueryPlan, schema: GraphQLSchema, compiled_at_run: int | None = COMPILED_AT_RUN) -> CompiledPlan:
    """Prepare a plan for execution.

    ``schema`` is the one that the caller sees, with the plan's output types: it answers introspection and says which
    types are possible. ``compiled_at_run`` says which execution has the compiled form made; None: none.
    """
    return CompiledPlan(plan, schema, compiled_at_run)
