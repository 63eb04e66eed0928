"""Values under check are served as they are, and flagged in the answer (R47).

A doubt names an item and, as a keyed hash, the key of a record. An answer is looked at only if the operation touches an
item that is in doubt: then every text it holds, and every value it was asked with, is hashed and compared. So a flag
tells nobody a key that the request or the answer does not hold already. The doubts are read again when one was saved.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from catalog_sync.languages import Language
from gateway.execution.result import Result
from gateway.preparation import Prepared
from policies.doubts import Doubt, DoubtState
from policies.ledger import person_hash
from policies.ports import PolicyStore

KIND = "doubt"

FEW_TEXTS = 500
"""Texts that are hashed while nobody else is answered, for half a millisecond."""

LONGEST_KEY = 100
"""Characters of a record's key at most; longer texts are none."""

Flag = Mapping[str, object]
ByItem = Mapping[str, Mapping[str, Sequence[Doubt]]]


class DoubtFlags:
    """The doubts under check, by item; ``person_key`` is the secret under which records' keys are hashed."""

    def __init__(self, store: PolicyStore, person_key: bytes) -> None:
        self._store = store
        self._person_key = person_key
        self._saves: int | None = None
        self._by_item: ByItem = {}

    async def look(self) -> None:
        """Reads the doubts anew, if one was saved since the last look."""
        saves = await self._store.matters_saved(KIND)
        if saves == self._saves:
            return
        by_item: dict[str, dict[str, list[Doubt]]] = {}
        for matter in await self._store.matters(KIND):
            doubt = msgspec.json.decode(matter.body, type=Doubt)
            if doubt.state is DoubtState.IN_CHECK:
                by_item.setdefault(doubt.report.item, {}).setdefault(doubt.report.record, []).append(doubt)
        self._saves, self._by_item = saves, by_item

    def concern(self, items: Iterable[str]) -> bool:
        """Whether a value of any of these items is in doubt."""
        return bool(self._by_item) and not self._by_item.keys().isdisjoint(items)

    async def flags(
        self, prepared: Prepared, values: Mapping[str, object], result: Result, language: Language
    ) -> list[Flag]:
        """What to tell beside an answer that holds an item in doubt; ``values`` are those it was asked with."""
        doubted = {item: self._by_item[item] for item in prepared.items if item in self._by_item}
        data = result.data if result.encoded is None else msgspec.json.decode(result.encoded)["data"]
        texts = dict.fromkeys(_texts([*values.values(), data]))
        if len(texts) <= FEW_TEXTS:
            return self._matching(doubted, texts, language)
        return await asyncio.to_thread(self._matching, doubted, texts, language)

    def _matching(self, doubted: ByItem, texts: Mapping[str, None], language: Language) -> list[Flag]:
        keys = {person_hash(self._person_key, text): text for text in texts}
        return [
            {"doubt": doubt.id, "item": item, "record": keys[record], **(doubt.flag(language) or {})}
            for item, by_record in sorted(doubted.items())
            for record, doubts in by_record.items()
            if record in keys
            for doubt in doubts
        ]


def _texts(waiting: list[object]) -> Iterator[str]:
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | int) and not isinstance(value, bool):
            if len(text := str(value)) <= LONGEST_KEY:
                yield text
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
