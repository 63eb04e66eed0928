"""What a subgraph links (link specification v1.0; core v0.1 and v0.2 before it) and what its names therefore mean.

A directive means what its specification says, whatever it is called here: ``import`` may rename it, ``as`` may rename
the specification's prefix. Everything after this module goes by that identity and never by a name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import ConstDirectiveNode, DirectiveDefinitionNode, DocumentNode, SchemaDefinitionNode, SchemaExtensionNode

from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.supergraph.directives import (
    APOLLO,
    CONNECT,
    CORE,
    FED1_DIRECTIVES,
    FEDERATION,
    FEDERATION_DIRECTIVES,
    LATEST_FEDERATION,
    LINK,
    RESOURCE,
    SPEC_TYPES,
    STANDALONE,
)
from gateway.supergraph.features import directive_arguments, parts

_URL = re.compile(r"^(?P<identity>.+/(?P<name>[^/]+))/v(?P<major>\d+)\.(?P<minor>\d+)/?$")
_NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")


@dataclass(frozen=True, slots=True)
class Link:
    """One linked specification. ``imports`` maps its own names (directives with ``@``) to the local ones."""

    url: str
    identity: str
    name: str
    major: int
    minor: int
    prefix: str
    purpose: str | None
    imports: Mapping[str, str]
    line: int | None

    def local(self, own: str) -> str:
        """What directive ``own`` is called here, without ``@``."""
        imported = self.imports.get(f"@{own}")
        if imported is not None:
            return imported[1:]
        return self.prefix if own == self.name else f"{self.prefix}__{own}"

    def local_type(self, own: str) -> str:
        """What type ``own`` is called here."""
        return self.imports.get(own, f"{self.prefix}__{own}")

    def own(self, local: str) -> str | None:
        """What the directive called ``local`` here is in the specification; None if it is not one of its."""
        for name, alias in self.imports.items():
            if alias == f"@{local}":
                return name[1:]
        if local == self.prefix and f"@{self.name}" not in self.imports:
            return self.name
        if local.startswith(f"{self.prefix}__"):
            own = local[len(self.prefix) + 2 :]
            return own if f"@{own}" not in self.imports else None
        return None


@dataclass(slots=True)
class Links:
    """All that one subgraph links, with the meaning of its local names."""

    all: tuple[Link, ...] = ()
    is_federation_2: bool = False
    minor: int = 0
    link_name: str = "link"
    identities: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def by_identity(self, identity: str) -> Link | None:
        """The link to a specification, if there is one."""
        return next((link for link in self.all if link.identity == identity), None)

    @property
    def federation(self) -> Link | None:
        """The link to the federation specification; None for a Federation 1 schema."""
        return self.by_identity(FEDERATION)

    def local(self, identity: str) -> str:
        """What a directive of a known identity is called here."""
        return next((name for name, known in self.identities.items() if known == identity), identity)

    def source_of(self, name: str) -> Link | None:
        """The specification that the directive called ``name`` here comes from."""
        return next((link for link in self.all if link.own(name) is not None), None)


def read_links(document: DocumentNode, subgraph: str, log: IssueLog) -> Links:
    """Read every @link (or @core) on the schema; problems go to ``log``."""
    applied = [
        directive
        for node in document.definitions
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
        for directive in parts(node, "directives")
    ]
    bootstrap = next((d for d in applied if _is_bootstrap(d)), None)
    if bootstrap is None and any(d.name.value == "link" for d in applied) and not _defines(document, "link"):
        link_name = "link"
    elif bootstrap is None:
        return _federation_1(document)
    else:
        link_name = bootstrap.name.value
    found: list[Link] = []
    for node in applied:
        if node.name.value == link_name:
            link = _read(node, subgraph, log)
            if link is not None:
                _check_version(link, subgraph, log)
                found.append(link)
    _check_conflicts(found, subgraph, log)
    links = Links(all=tuple(found), link_name=link_name)
    federation = links.federation
    if federation is None:
        known = _federation_1(document)
        known.all, known.link_name = links.all, link_name
        _bind(known)
        return known
    links.is_federation_2, links.minor = True, min(federation.minor, LATEST_FEDERATION)
    _bind(links)
    return links


def _defines(document: DocumentNode, name: str) -> bool:
    return any(isinstance(n, DirectiveDefinitionNode) and n.name.value == name for n in document.definitions)


def _is_bootstrap(node: ConstDirectiveNode) -> bool:
    arguments = directive_arguments(node)
    url = arguments.get("url", arguments.get("feature"))
    if not isinstance(url, str):
        return False
    match = _URL.match(url)
    if match is None or match["identity"] not in (LINK, CORE):
        return False
    return node.name.value == (arguments.get("as") or match["name"])


def _federation_1(document: DocumentNode) -> Links:
    return Links(identities={name: name for name in FED1_DIRECTIVES}, types={"_FieldSet": "FieldSet"})


def _bind(links: Links) -> None:
    """Give local names their identity."""
    links.identities[links.link_name] = "link"
    for link in links.all:
        if link.identity == FEDERATION:
            for spec in FEDERATION_DIRECTIVES.values():
                if spec.since <= link.minor:
                    links.identities[link.local(spec.name)] = spec.name
            for name in SPEC_TYPES:
                links.types[link.local_type(name)] = name
        elif link.identity in STANDALONE:
            for spec in FEDERATION_DIRECTIVES.values():
                if spec.feature is not None and spec.feature.name == link.name:
                    links.identities[link.local(spec.name)] = spec.name
                    for name in spec.feature.types:
                        links.types[link.local_type(name)] = name
        elif link.identity == RESOURCE:
            links.identities[link.local("resource")] = "resource"


def _read(node: ConstDirectiveNode, subgraph: str, log: IssueLog) -> Link | None:
    line = node.loc.start_token.line if node.loc else None
    arguments = directive_arguments(node)
    url = arguments.get("url", arguments.get("feature"))
    where = ((subgraph, line),)
    if not isinstance(url, str):
        log.report(
            codes.INVALID_LINK_DIRECTIVE_USAGE,
            f"[{subgraph}] @link has no url: it must name a specification.",
            at=where,
        )
        return None
    match = _URL.match(url)
    if match is None:
        log.report(
            codes.INVALID_LINK_IDENTIFIER,
            f"[{subgraph}] The URL {url!r} of a @link does not end in a version such as /v1.0.",
            at=where,
        )
        return None
    alias = arguments.get("as")
    prefix = alias if isinstance(alias, str) else match["name"]
    if not _NAME.match(prefix) or "__" in prefix or prefix.endswith("_"):
        if alias is not None and alias != match["name"]:
            log.report(
                codes.INVALID_LINK_DIRECTIVE_USAGE,
                f'[{subgraph}] {prefix!r} cannot be the prefix of {url}: it is no GraphQL name, holds "__" '
                'or ends in "_".',
                at=where,
            )
        prefix = re.sub(r"[^_0-9A-Za-z]", "_", prefix)
    imports = _imports(arguments.get("import"), url, subgraph, where, log)
    return Link(
        url,
        match["identity"],
        match["name"],
        int(match["major"]),
        int(match["minor"]),
        prefix,
        arguments.get("for"),
        imports,
        line,
    )


def _imports(
    value: Any, url: str, subgraph: str, where: Iterable[tuple[str, int | None]], log: IssueLog
) -> dict[str, str]:
    def refuse(why: str) -> None:
        log.report(codes.INVALID_LINK_DIRECTIVE_USAGE, f"[{subgraph}] @link to {url}: {why}", at=where)

    found: dict[str, str] = {}
    if value is None:
        return found
    if not isinstance(value, list):
        refuse("`import` must be a list.")
        return found
    for entry in value:
        name = entry.get("name") if isinstance(entry, dict) else entry
        local = (entry.get("as") or name) if isinstance(entry, dict) else entry
        if (
            not isinstance(name, str)
            or not isinstance(local, str)
            or (isinstance(entry, dict) and set(entry) - {"name", "as"})
        ):
            refuse(f"{entry!r} is neither a name nor an object with `name` and `as`.")
        elif name.startswith("@") != local.startswith("@"):
            refuse(f"{name} cannot be imported as {local}: a directive stays a directive and a type a type.")
        else:
            found[name] = local
    known = _elements_of(url)
    if known is not None:
        for name in [name for name in found if name not in known]:
            hint = f" Did you mean @{name}?" if f"@{name}" in known else ""
            refuse(f"{name} cannot be imported: this specification has no such element.{hint}")
            del found[name]
    return found


def _elements_of(url: str) -> set[str] | None:
    match = _URL.match(url)
    if match is None or match["identity"] != FEDERATION:
        return None
    minor = int(match["minor"])
    directives = {f"@{spec.name}" for spec in FEDERATION_DIRECTIVES.values() if spec.since <= minor}
    return directives | {name for name, since in SPEC_TYPES.items() if since <= minor}


def _check_version(link: Link, subgraph: str, log: IssueLog) -> None:
    where = ((subgraph, link.line),)
    if link.identity == FEDERATION and (link.major != 2 or link.minor > LATEST_FEDERATION):
        log.report(
            codes.UNKNOWN_FEDERATION_LINK_VERSION,
            f"[{subgraph}] Federation v{link.major}.{link.minor} is unknown: v2.0 to v2.{LATEST_FEDERATION} are.",
            at=where,
        )
    elif link.identity == LINK and (link.major, link.minor) != (1, 0):
        log.report(
            codes.UNKNOWN_LINK_VERSION,
            f"[{subgraph}] The link specification v{link.major}.{link.minor} is unknown: v1.0 is.",
            at=where,
        )
    elif link.identity == CONNECT:
        log.report(
            codes.UNSUPPORTED_LINKED_FEATURE,
            f"[{subgraph}] {link.url} is linked, but connectors are not supported: a subgraph must be a "
            "GraphQL service.",
            at=where,
        )
    elif link.identity in (f"{APOLLO}/tag", f"{APOLLO}/inaccessible"):
        log.report(
            codes.INVALID_LINK_DIRECTIVE_USAGE,
            f"[{subgraph}] {link.url} belongs to supergraphs: import @{link.name} from {FEDERATION} instead.",
            at=where,
        )


def _check_conflicts(links: list[Link], subgraph: str, log: IssueLog) -> None:
    """Two specifications may not go by one prefix, nor one twice, nor two imports by one name."""
    reserved = {link.prefix: link.identity for link in links} | {"join": f"{APOLLO}/join"}
    for link in links:
        for own, local in link.imports.items():
            prefix, _, rest = local.removeprefix("@").partition("__")
            if rest and reserved.get(prefix, link.identity) != link.identity:
                log.report(
                    codes.INVALID_LINK_DIRECTIVE_USAGE,
                    f"[{subgraph}] {own} of {link.url} cannot be imported as {local}: names that begin with {prefix}__ "
                    f"belong to {reserved[prefix]}.",
                    at=((subgraph, link.line),),
                )
    identities: dict[str, Link] = {}
    prefixes: dict[str, Link] = {}
    names: dict[str, Link] = {}
    for link in links:
        where = ((subgraph, link.line),)
        if link.identity in identities:
            log.report(
                codes.INVALID_LINK_DIRECTIVE_USAGE, f"[{subgraph}] {link.identity} is linked more than once.", at=where
            )
            continue
        identities[link.identity] = link
        other = prefixes.setdefault(link.prefix, link)
        if other is not link:
            log.report(
                codes.INVALID_LINK_DIRECTIVE_USAGE,
                f"[{subgraph}] {link.url} and {other.url} both go by {link.prefix!r}: give one of them "
                "another name by `as`.",
                at=where,
            )
        for own, local in link.imports.items():
            holder = names.setdefault(local, link)
            if holder is not link:
                log.report(
                    codes.INVALID_LINK_DIRECTIVE_USAGE,
                    f"[{subgraph}] {own} of {link.url} is imported as {local}, which {holder.url} has "
                    "imported already.",
                    at=where,
                )
