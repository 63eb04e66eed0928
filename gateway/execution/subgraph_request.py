"""The bytes of a request to a subgraph; what does not depend on values is made once."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.planning.plan import Fetch


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
