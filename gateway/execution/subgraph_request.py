"""The bytes of a request to a subgraph; what does not depend on values is made once."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.planning.plan import Fetch

MAX_REPRESENTATIONS = 5_000
"""In one ``_entities`` call. More are sent as several calls side by side."""


class RequestTemplate:
    """The constant part of all requests of one fetch."""

    __slots__ = ("_constant", "_names", "head")

    def __init__(self, fetch: Fetch) -> None:
        self.head = b'{"query":' + msgspec.json.encode(fetch.document)
        self._names = tuple((name, msgspec.json.encode(name) + b":") for name in fetch.variables)
        self._constant = None if fetch.variables or fetch.entities else self.head + b"}"

    def body(self, variables: Mapping[str, object], added: Iterable[tuple[str, bytes]] = ()) -> bytes:
        """The request's JSON. ``added`` are variables of this request alone, whose values are JSON already."""
        if self._constant is not None:
            return self._constant
        values = [name + msgspec.json.encode(variables[key]) for key, name in self._names if key in variables]
        values += [b'"%b":%b' % (name.encode(), value) for name, value in added]
        return b'%b,"variables":{%b}}' % (self.head, b",".join(values))

    def bodies(self, variables: Mapping[str, object], lists: Sequence[tuple[str, list[object]]]) -> list[bytes]:
        """The requests for lists of representations by variable; a list that is too long is divided among several."""
        size = MAX_REPRESENTATIONS
        longest = max(len(representations) for _, representations in lists)
        return [
            self.body(variables, [(name, msgspec.json.encode(each[start : start + size])) for name, each in lists])
            for start in range(0, longest, size)
        ]
