"""Who may read what, written as plainly as the policy's words allow; shares no code with the tables or with Casbin.

It reads the policy's text itself, and answers by going through all lines. Slow, and meant to be checked by eye.
"""

from collections.abc import Iterable
from datetime import datetime

from catalog_sync.closed_lists import Opening, Sharing
from policies.callers import Caller
from policies.items import ItemTiers


class PlainOracle:
    def __init__(self, text: str, items: dict[str, ItemTiers]) -> None:
        self.items = items
        lines = [[word.strip() for word in line.split(",")] for line in text.splitlines() if line.strip()]
        self.rules = [line[1:] for line in lines if line[0] == "p"]
        self.links = {(line[1], line[2], line[3]) for line in lines if line[0] == "g"}
        self.sets = {(line[1], line[2]) for line in lines if line[0] == "g2"}
        self.kept_apart = [line[2:5] for line in lines if line[0] == "apart"]
        self.zones = {(line[1], line[2]) for line in lines if line[0] == "g3"}

    def names_of(self, caller: Caller) -> set[str]:
        """Everything the caller is, or belongs to when acting for its department."""
        names = {caller.subject, *caller.roles}
        while True:
            more = {
                group
                for member, group, department in self.links
                if member in names and department == (caller.department or "-")
            }
            if more <= names:
                return names
            names |= more

    def is_in_zone(self, caller: Caller, zone: str) -> bool:
        return (caller.zone, zone) in self.zones

    def is_about(self, item: str, target: str) -> bool:
        """Whether a rule's object covers the item: by its name, its resource, or one of its tiers."""
        tiers = self.items[item]
        if target == "share:unconditional":
            return tiers.sharing is Sharing.UNCONDITIONAL
        if target == "open:open":
            return tiers.opening is Opening.OPEN and tiers.licence is None
        if target.startswith("open:open+licence/"):
            accepted = f"open:open+licence/{item.split('.')[0]}/{tiers.licence}"
            return tiers.opening is Opening.OPEN and target == accepted
        return target in (item, item.split(".")[0] + "/*")

    def may_together(self, caller: Caller, items: Iterable[str]) -> bool:
        """Whether one operation of the caller may use all these items, as far as their number goes."""
        names, used = self.names_of(caller), set(items)
        for who, group, most in self.kept_apart:
            counted = [item for item in used if (item, group) in self.sets or group == item.split(".")[0] + "/*"]
            if who in ("public", "anon") and caller.department is not None:
                continue
            if who in names and len(counted) > int(most):
                return False
        return True

    def rules_about(self, caller: Caller, item: str, now: datetime) -> list[list[str]]:
        """The rules that speak about this caller and item at this moment, whatever they say."""
        names, moment = self.names_of(caller), now.strftime("%Y-%m-%dT%H:%M:%SZ")
        return [
            rule
            for rule in self.rules
            if rule[1] in names
            and self.is_in_zone(caller, rule[2])
            and rule[3] in ("*", caller.purpose or "none")
            and self.is_about(item, rule[4])
            and rule[7] <= moment < rule[8]
        ]

    def ways(self, rules: list[list[str]], item: str, grant: str | None, rows: str) -> set[str]:
        """In which ways the item may be had by the tiers and this one grant, for these rows ("all": no condition)."""
        ways: set[str] = set()
        for number, _, _, _, target, act, scope, _, _, _, effect in rules:
            if effect == "deny":
                return set()
            if target.startswith("open:open"):
                mask = self.items[item].mask
                ways.add(f"masked:{mask}" if mask else "read")
            elif target == "share:unconditional":
                ways.add("read")
            elif number.split(".")[0] == grant and scope in ("*", rows):
                ways.add(act)
        return ways

    def grounds(self) -> Iterable[tuple[str | None, str]]:
        """Everything an operation may rest on: the tiers alone, or one grant under one of its row conditions."""
        yield None, "all"
        for rule in self.rules:
            if rule[10] == "allow" and not rule[4].startswith(("share:", "open:")):
                yield rule[0].split(".")[0], "all" if rule[6] == "*" else rule[6]

    def satisfies(self, ways: set[str], item: str, act: str) -> bool:
        """Whether these ways to have an item allow the act."""
        only_verified = self.items[item].verify_only
        if act == "read":
            masked = any(way.startswith("masked:") for way in ways)
            return "read" in ways or masked or (only_verified and "verify" in ways)
        if act == "verify":
            return "read" in ways or "verify" in ways
        return (act in ways or "read" in ways) and not only_verified

    def may(self, caller: Caller, needs: Iterable[tuple[str, str]], now: datetime) -> bool:
        """Whether some one ground allows all of the needs."""
        wanted = [(item, act, self.rules_about(caller, item, now)) for item, act in needs]
        return any(
            all(self.satisfies(self.ways(rules, item, grant, rows), item, act) for item, act, rules in wanted)
            for grant, rows in set(self.grounds())
        )
