"""What a subgraph links (link specification v1.0; core v0.1 and v0.2 before it) and what its names therefore mean.

A directive means what its specification says, whatever it is called here: ``import`` may rename it, ``as`` may rename
the specification's prefix. Everything after this module goes by that identity and never by a name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import ConstDirectiveNode, DirectiveDefinitionNode, DocumentNode, SchemaDefinitionNode, SchemaExtensionNode

from gateway.composition import codes
from gateway.composition.issues import Report, meant
from gateway.supergraph.directives import (
    APOLLO,
    CONNECT,
    CORE,
    FED1_DIRECTIVES,
    FEDERATION,
    HAND_DEFINED,
    LATEST_FEDERATION,
    LINK,
    STANDALONE,
    DirectiveSpec,
    specified_directives,
    specified_types,
)
from gateway.supergraph.features import Link, directive_arguments, parts

_NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")


def directives_of(link: Link) -> tuple[DirectiveSpec, ...]:
    """What a specification defines, as far as it is known here."""
    return specified_directives(link.identity, link.minor)


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

    def source_of(self, name: str) -> Link | None:
        """The specification that the directive called ``name`` here comes from."""
        return next((link for link in self.all if link.own(name) is not None), None)


def read_links(document: DocumentNode, report: Report) -> Links:
    """Read every @link (or @core) on the schema."""
    applied = [
        directive
        for node in document.definitions
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
        for directive in parts(node, "directives")
    ]
    link_name = _link_name(document, applied)
    candidates = (_read(node, report) for node in applied if node.name.value == link_name)
    found = tuple(link for link in candidates if link is not None)
    for link in found:
        _check_version(link, report)
    _check_conflicts(found, report)
    links = Links(found, link_name=link_name or "link")
    if links.federation is not None:
        links.is_federation_2, links.minor = True, min(links.federation.minor, LATEST_FEDERATION)
    else:
        for link in (link for link in found if link.identity in (f"{APOLLO}/tag", f"{APOLLO}/inaccessible")):
            why = f"Federation 1 has @{link.name} without {link.url}; link {FEDERATION} to be of Federation 2."
            report(codes.INVALID_LINK_DIRECTIVE_USAGE, link.line, "", why)
        defined = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
        links.identities = {name: name for name in (*FED1_DIRECTIVES, *(n for n in HAND_DEFINED if n in defined))}
        links.types = {"_FieldSet": "FieldSet"}
    if link_name is not None:
        _bind(links)
    return links


def _link_name(document: DocumentNode, applied: list[ConstDirectiveNode]) -> str | None:
    """What @link is called: it links its own specification first, or is taken for granted by a schema that does not
    define a @link of its own."""
    bootstrap = next((d.name.value for d in applied if _is_bootstrap(d)), None)
    is_own = any(isinstance(n, DirectiveDefinitionNode) and n.name.value == "link" for n in document.definitions)
    is_used = any(d.name.value == "link" for d in applied)
    return bootstrap or ("link" if is_used and not is_own else None)


def _is_bootstrap(node: ConstDirectiveNode) -> bool:
    arguments = directive_arguments(node)
    link = Link.to(str(arguments.get("url", arguments.get("feature"))), arguments.get("as"))
    return link.is_versioned and link.identity in (LINK, CORE) and node.name.value == link.prefix


def _bind(links: Links) -> None:
    """Give local names their identity."""
    links.identities[links.link_name] = "link"
    for link in links.all:
        for spec in directives_of(link):
            links.identities[link.directive(spec.name)] = spec.name
        for name in specified_types(link.identity):
            links.types[link.type(name)] = name


def _read(node: ConstDirectiveNode, report: Report) -> Link | None:
    line = node.loc.start_token.line if node.loc else None
    arguments = directive_arguments(node)
    url = arguments.get("url", arguments.get("feature"))
    if not isinstance(url, str):
        report(codes.INVALID_LINK_DIRECTIVE_USAGE, line, "", "@link has no url: it must name a specification.")
        return None
    link = Link.to(url)
    if not link.is_versioned:
        why = f"The URL {url!r} of a @link does not end in a version such as /v1.0."
        report(codes.INVALID_LINK_IDENTIFIER, line, "", why)
        return None
    alias = arguments.get("as")
    prefix = alias if isinstance(alias, str) else link.name
    if not _NAME.match(prefix) or "__" in prefix or prefix.endswith("_"):
        if alias is not None and alias != link.name:
            why = f'{prefix!r} cannot be the prefix of {url}: it is no GraphQL name, holds "__" or ends in "_".'
            report(codes.INVALID_LINK_DIRECTIVE_USAGE, line, "", why)
        prefix = re.sub(r"[^_0-9A-Za-z]", "_", prefix)
    imports: dict[str, str] = {}
    for why in _read_imports(arguments.get("import"), link, imports):
        report(codes.INVALID_LINK_DIRECTIVE_USAGE, line, "", f"@link to {url}: {why}")
    return replace(link, prefix=prefix, purpose=arguments.get("for"), imports=imports, line=line)


def _read_imports(value: Any, link: Link, found: dict[str, str]) -> Iterator[str]:
    """Fills ``found`` with local names by own names; yields what is wrong."""
    if value is not None and not isinstance(value, list):
        yield "`import` must be a list."
        return
    known = {*(f"@{spec.name}" for spec in directives_of(link)), *specified_types(link.identity, link.minor)}
    for entry in value or ():
        written = entry if isinstance(entry, dict) else {"name": entry}
        name, local = written.get("name"), written.get("as") or written.get("name")
        if not isinstance(name, str) or not isinstance(local, str) or set(written) - {"name", "as"}:
            yield f"{entry!r} is neither a name nor an object with `name` and `as`."
        elif name.startswith("@") != local.startswith("@"):
            yield f"{name} cannot be imported as {local}: a directive stays a directive and a type a type."
        elif link.identity == FEDERATION and name not in known:
            yield f"{name} cannot be imported: this specification has no such element.{meant(name, known)}"
        elif found.setdefault(name, local) != local:
            yield f"{name} is imported as {found[name]} already, and cannot be {local} too."


def _check_version(link: Link, report: Report) -> None:
    version = link.version
    if link.identity == FEDERATION and (link.major != 2 or link.minor > LATEST_FEDERATION):
        why = f"Federation {version} is unknown: v2.0 to v2.{LATEST_FEDERATION} are."
        report(codes.UNKNOWN_FEDERATION_LINK_VERSION, link.line, "", why)
    elif link.identity == LINK and version != "v1.0":
        report(codes.UNKNOWN_LINK_VERSION, link.line, "", f"The link specification {version} is unknown: v1.0 is.")
    elif link.identity in STANDALONE and (known := STANDALONE[link.identity].feature):
        if not link.major == 0 < link.minor <= int(known.version.rpartition(".")[2]):
            report(codes.UNKNOWN_LINK_VERSION, link.line, "", f"{link.url} is unknown: {known.url} is.")
    elif link.identity == CONNECT:
        why = f"{link.url} is linked, but connectors are not supported: a subgraph must be a GraphQL service."
        report(codes.UNSUPPORTED_LINKED_FEATURE, link.line, "", why)


def _check_conflicts(links: tuple[Link, ...], report: Report) -> None:
    """No name may mean two things: neither a specification's prefix, nor an import, nor what begins with a prefix."""
    by_identity: dict[str, Link] = {}
    by_prefix: dict[str, Link] = {}
    by_name: dict[str, tuple[Link, str]] = {}

    def refuse(link: Link, why: str) -> None:
        report(codes.INVALID_LINK_DIRECTIVE_USAGE, link.line, "", why)

    for link in links:
        if by_identity.setdefault(link.identity, link) is not link:
            refuse(link, f"{link.identity} is linked more than once.")
        elif (other := by_prefix.setdefault(link.prefix, link)) is not link:
            refuse(link, f"{link.url} and {other.url} both go by {link.prefix!r}: name one of them otherwise by `as`.")
    for link in by_identity.values():
        for own, local in link.imports.items():
            owner = _owner_without_import(local, by_prefix)
            holder = by_name.setdefault(local, (link, own))
            if owner is not None and owner != (link.url, own):
                told = f"without an import, that name means {owner[1]} of {owner[0]}"
                refuse(link, f"{own} of {link.url} cannot be imported as {local}: {told}.")
            elif holder != (link, own):
                told = f"which is {holder[1]} of {holder[0].url} already"
                refuse(link, f"{own} of {link.url} is imported as {local}, {told}.")


def _owner_without_import(local: str, by_prefix: Mapping[str, Link]) -> tuple[str, str] | None:
    """The specification that an imported name belongs to by its prefix, and what it is called there."""
    sign = "@" if local.startswith("@") else ""
    prefix, separator, own = local.removeprefix("@").partition("__")
    if prefix == "join" and separator:
        return f"{APOLLO}/join", sign + own
    link = by_prefix.get(prefix)
    if link is None or not (separator or sign):
        return None
    return link.url, sign + (own if separator else link.name)
