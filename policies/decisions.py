"""Casbin, the judge. Nothing else imports it, and nothing asks it while a request runs.

It is asked on a *slice*: the lines whose object can reach the item in question, with all links. Asking it on the whole
policy gives the same answer two hundred times more slowly, since Casbin evaluates its matcher once per line.

Fences (each one has a test that shows what happens without it): the model is text in this file and pinned by its hash;
lines are given as token lists, never through an adapter that cuts or splits them; an enforcer is never reloaded, only
made anew; only plain text enters a question; matchers know no ``eval`` and no pattern.
"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import casbin
from casbin.rbac.default_role_manager import DomainManager, RoleManager

from policies.callers import Caller
from policies.combinations import APART, Combination
from policies.errors import MODEL_ALTERED, CodedError
from policies.lines import SENTINEL, Tokens
from policies.memberships import Memberships

MODEL = """
[request_definition]
r  = sub, dom, zone, purpose, obj, act, rows, now
r2 = sub, dom, act, obj, author

[policy_definition]
p  = id, sub, zone, purpose, obj, act, rows, nbf, exp, basis, eft
p2 = id, sub, act, obj, eft

[role_definition]
g  = _, _, _
g2 = _, _
g3 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m  = (p.act == r.act || p.act == "*") && (p.purpose == r.purpose || p.purpose == "*") && (p.rows == r.rows || p.rows == "*") && p.nbf <= r.now && r.now < p.exp && g3(r.zone, p.zone) && g2(r.obj, p.obj) && g(r.sub, p.sub, r.dom)
m2 = p2.act == r2.act && (p2.act != "approve" || r2.author != r2.sub) && g2(r2.obj, p2.obj) && g(r2.sub, p2.sub, r2.dom)
"""  # noqa: E501 - a matcher is one line
MODEL_SHA256 = "ecfad6af87ae69d7f191b055c316b83ed52a0a690a5df77423186b3bcabcdd24"
SPOT_CHECK = 16
_CHAIN = 10
# No policy name holds it, so no rule is about a subject with roles of its own but through the names it is made of.
_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class Question:
    """What the judge is asked. ``now`` and ``rows`` are written as policy lines write them."""

    subject: str
    department: str
    zone: str
    purpose: str
    item: str
    act: str
    rows: str
    now: str

    @staticmethod
    def of(caller: Caller, item: str, act: str, rows: str, now: str) -> "Question":
        """The question for a caller whose credential carries no roles of its own."""
        return Question(caller.subject, caller.domain, caller.zone, caller.stated_purpose, item, act, rows, now)


@dataclass(frozen=True, slots=True)
class Decision:
    """The judge's answer, and the id of a rule that made it (None when no rule matched)."""

    allowed: bool
    rule: str | None


class _Matcher:
    """A matcher as Casbin evaluates it, and the same text as Python compiled once.

    Casbin hands the text to an interpreter that walks its tree at every line of every question: most of what a proof
    costs. The text is Python once Casbin has replaced its operators, and pinned by its hash. So it is compiled, and
    every SPOT_CHECK-th evaluation is made by Casbin's interpreter too: invariant, both say the same.
    """

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._code = compile(interpreter.expr.strip(), "<matcher>", "eval")
        self._names: dict[str, object] = {"__builtins__": {}, **interpreter.functions}
        self._evaluations = 0

    def eval(self, names: dict[str, str]) -> object:
        """Raises CodedError MODEL_ALTERED where compiled text and interpreter disagree."""
        found: object = eval(self._code, self._names, names)
        self._evaluations += 1
        if self._evaluations % SPOT_CHECK == 0 and found is not self._interpreter.eval(names):
            raise CodedError(MODEL_ALTERED, "The compiled matcher and Casbin's own evaluation of it disagree.")
        return found


class _Links(DomainManager):  # type: ignore[misc]  # Casbin has no types
    """The links of subjects; a subject with roles of its own reaches what it and each of them reaches.

    Links are never added for one question: they would hold for the next, whoever asks.
    """

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        has_link = super().has_link
        return any(has_link(name, name2, *domain) for name in name1.split(_SEPARATOR))


class _Enforcer(casbin.Enforcer):  # type: ignore[misc]  # Casbin has no types
    """Casbin's enforcer, which parses each matcher once instead of at every question."""

    _parsed: dict[str, _Matcher]

    def _get_expression(self, expr: str, functions: dict[str, object] | None = None) -> _Matcher:
        # The functions are the same at each question: the links never change.
        parsed = self._parsed.get(expr)
        if parsed is None:
            parsed = self._parsed[expr] = _Matcher(casbin.Enforcer._get_expression(expr, functions))
        return parsed


class Judge:
    """Casbin over the complete lines of one policy version. Not for several threads at once."""

    def __init__(self, lines: Iterable[Tokens]) -> None:
        if hashlib.sha256(MODEL.encode()).hexdigest() != MODEL_SHA256:
            raise CodedError(MODEL_ALTERED, "The Casbin model differs from the one that was approved.")
        self._rules: dict[str, list[Tokens]] = defaultdict(list)
        self._order: dict[Tokens, int] = {}
        managers = {"g": _Links(_CHAIN), "g2": RoleManager(_CHAIN), "g3": RoleManager(_CHAIN)}
        self._combinations: list[Combination] = []
        console: list[list[str]] = []
        groups: list[Tokens] = []
        for tokens in lines:
            if tokens[0] == "p":
                self._order[tokens] = len(self._order)
                self._rules[tokens[5]].append(tokens)
            elif tokens[0] == "p2":
                console.append(list(tokens[1:]))
            elif tokens[0] == APART:
                self._combinations.append(Combination.of(tokens))
                console.append([tokens[1], tokens[2], _counted_by(tokens[1]), tokens[3], "allow"])
            elif tokens[0] in managers:
                managers[tokens[0]].add_link(*tokens[1:])
                if tokens[0] == "g2":
                    groups.append(tokens)
        self._groups = Memberships.plain(groups)
        self._enforcer = _enforcer(managers, console)
        self._rule_list = self._enforcer.model["p"]["p"]

    def decide(self, question: Question) -> Decision:
        """Casbin's answer to one question."""
        self._rule_list.policy = self._slice(question.item)
        allowed, rule = self._enforcer.enforce_ex(
            question.subject,
            question.department,
            question.zone,
            question.purpose,
            question.item,
            question.act,
            question.rows,
            question.now,
        )
        return Decision(bool(allowed), rule[0] if rule else None)

    def may(
        self,
        subject: str,
        department: str,
        act: str,
        item: str,
        author: str = "-",
        roles: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether a person may do ``act`` (propose, approve ...) in the console for an item; never to the own draft.

        ``roles`` are policy names that the person's credential asserts, as if links of the department gave them.
        """
        if roles:
            own = author == subject
            subject = _SEPARATOR.join((subject, *sorted(roles)))
            author = subject if own else author
        context = self._enforcer.new_enforce_context("2")
        context.etype = "e"  # Casbin knows one effect; both kinds of rule share it.
        return bool(self._enforcer.enforce(context, subject, department, act, item, author))

    def too_many(self, subject: str, department: str, items: Iterable[str]) -> frozenset[str]:
        """The ``apart`` lines of which one operation of a subject with these items would use too many.

        Casbin says for each line and item whether the line counts it for this subject; counting is all that is left.
        """
        used = frozenset(items)
        return frozenset(
            each.id
            for each in self._combinations
            if each.concerns(frozenset({each.subject}), department)
            and sum(self.may(subject, department, _counted_by(each.id), item) for item in used) > each.most
        )

    def _slice(self, item: str) -> list[list[str]]:
        touching = {tokens for group in self._groups.reached((item,), None) for tokens in self._rules.get(group, ())}
        # The sentinel keeps the slice from being empty: over an empty policy Casbin can allow.
        lines = sorted(touching | {SENTINEL}, key=lambda tokens: self._order.get(tokens, -1))
        return [list(tokens[1:]) for tokens in lines]


def _counted_by(combination: str) -> str:
    """The act under which Casbin is asked whether an ``apart`` line counts an item; no ``p2`` line can name it."""
    return f"{APART}:{combination}"


def _enforcer(managers: Mapping[str, RoleManager], console: list[list[str]]) -> casbin.Enforcer:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = _Enforcer(model)
    enforcer._parsed = {}
    # Casbin logs every refusal with all values of the question.
    enforcer.logger.setLevel(logging.ERROR)
    for name, manager in managers.items():
        enforcer.set_named_role_manager(name, manager)
        enforcer.model["g"][name].rm = manager
    # An empty list of console rules would let Casbin evaluate the matcher over empty values.
    enforcer.model["p"]["p2"].policy = console or [["C-0", "nobody", "none", "none", "deny"]]
    return enforcer
