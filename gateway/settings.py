"""Everything an operator can set, with its meaning, default and origin.

Settings come from a TOML file, then from the environment (``WATERSMEET_SECTION__NAME``), then from command-line flags;
the last one wins. An unknown key is refused with the nearest known name, a wrong value with the path to it.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from gateway.errors import CodedError, ErrorCode, Family

SETTINGS_INVALID = ErrorCode(
    "SETTINGS_INVALID", Family.SETTINGS,
    "The settings hold an unknown key, a value of the wrong form, or name a file that is not there.",
    "Mend the key that the message names; `watersmeet settings` lists all of them.",
)  # fmt: skip

PREFIX = "WATERSMEET_"


def _says(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class ServerSettings(_Section, frozen=True):
    """Where the gateway listens."""

    host: Annotated[str, _says("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Port to listen on.")] = 4000
    workers: Annotated[int, msgspec.Meta(ge=1, le=256, description="Processes that share the port.")] = 1
    deadline: Annotated[float, msgspec.Meta(gt=0, description="Seconds a request may take, subgraphs included.")] = 10.0
    drain: Annotated[float, msgspec.Meta(ge=0, description="Seconds between failing readiness and stopping.")] = 0.0
    hosts: Annotated[
        tuple[str, ...], _says("Names in the header Host that are answered, such as `api.example.gov.cn`; none: any.")
    ] = ()
    origins: Annotated[tuple[str, ...], _says("Web origins whose pages may read answers; `*`: all.")] = ()
    certificate: Annotated[str, _says("PEM file with this listener's certificate and chain; it then speaks TLS.")] = ""
    private_key: Annotated[str, _says("PEM file with the key of server.certificate.")] = ""
    client_authorities: Annotated[
        str, _says("PEM file with the authorities whose client certificates are taken as credentials; none: not asked.")
    ] = ""
    client_certificate_required: Annotated[
        bool, _says("Refuse connections without a certificate of server.client_authorities.")
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...], _says("Addresses and networks of proxies whose word about their clients is believed.")
    ] = ()
    forwarded: Annotated[
        Literal["x-forwarded", "forwarded"],
        _says("How they tell it: X-Forwarded-For and -Proto, or Forwarded (RFC 7239); the other is never read."),
    ] = "x-forwarded"
    client_certificate_header: Annotated[
        bool, _says("Take the client certificate that trusted proxies tell in Client-Cert (RFC 9440) as a credential.")
    ] = False
    explorer: Annotated[bool, _says("Serve the page to query from at /explorer.")] = True
    explorer_config: Annotated[str, _says("JSON file with ready-made callers and queries for the explorer.")] = ""


class SupergraphSettings(_Section, frozen=True):
    """Where the federated schema comes from."""

    source: Annotated[str, _says("Supergraph SDL: a file or an http(s) address.")] = ""
    compose: Annotated[str, _says("Folder or supergraph.yaml whose subgraphs are composed at start instead.")] = ""
    poll: Annotated[float, msgspec.Meta(gt=0, description="Seconds between two looks at an address.")] = 10.0
    labels: Annotated[
        tuple[str, ...], _says("Labels of progressive @override that hold for all; percent(n) needs no naming.")
    ] = ()


class AccessSettings(_Section, frozen=True):
    """Catalogue and policy; without them nothing is served unless `serve --open` says so."""

    catalogue: Annotated[str, _says("Folder of catalogue entries (YAML).")] = ""
    policy: Annotated[str, _says("File of policy lines, where there is no store.")] = ""
    store: Annotated[str, _says("Store of policy and ledger: an SQLite file or postgresql:// address.")] = ""
    store_key: Annotated[str, _says("File with the key that signs policy versions: `key-id:secret`.")] = ""
    person_key: Annotated[str, _says("File with the secret under which persons stand in the ledger.")] = ""
    callers: Annotated[str, _says("File of callers and their hashed keys.")] = ""
    rules: Annotated[str, _says("Rule profile that sets the clocks of applications and doubts.")] = "order-320"
    zone: Annotated[str, _says("Network zone of this listener: intranet, extranet or internet.")] = "internet"
    apply: Annotated[str, _says("Address where a refused caller applies; `{resource}` is the resource code.")] = (
        "/apply?resource={resource}"
    )


class RegistrySettings(_Section, frozen=True):
    """The store of catalogue entries and subgraph releases; with it, neither is read from files."""

    store: Annotated[
        str,
        _says("Catalogue store: an SQLite file or postgresql:// address. Replaces supergraph.* and access.catalogue."),
    ] = ""
    poll: Annotated[float, msgspec.Meta(gt=0, description="Seconds between two looks at it.")] = 0.25
    warm: Annotated[
        int, msgspec.Meta(ge=0, description="Most used operations that are planned before a new graph is served.")
    ] = 200
    keep: Annotated[int, msgspec.Meta(ge=1, description="Graph versions kept to return to.")] = 50
    departments: Annotated[
        str,
        _says("File or folder with the sections `providers` and `classes`: who keeps entries, by which policy name."),
    ] = ""


class SyncSettings(_Section, frozen=True):
    """This level among the others that a catalogue passes through."""

    division: Annotated[str, _says("The division whose catalogue the store is: six digits, such as 500103.")] = ""
    network: Annotated[Literal["extranet", "intranet"], _says("The network that the platform is on.")] = "extranet"
    key: Annotated[str, _says("File with the key that signs bundles, made by `watersmeet sync key`.")] = ""
    superior: Annotated[str, _says("The level that entries are submitted to, by its name in peers.")] = ""
    serve: Annotated[bool, _says("Answer other levels at /exchange, beside /graphql.")] = False


class PeerSettings(_Section, frozen=True):
    """Another level, by its name: division and network, such as 500000-extranet."""

    address: Annotated[str, _says("Where it answers; empty where bundles are carried by file.")] = ""
    keys: Annotated[dict[str, str], _says("Its public keys by id, as `watersmeet sync key` prints them.")] = {}


class MonitoringSettings(_Section, frozen=True):
    """What is observed beside the requests, and who is told."""

    interval: Annotated[
        float,
        msgspec.Meta(
            ge=0, description="Seconds between two looks at the running subgraphs (drift, data times); 0: none."
        ),
    ] = 60.0
    provenance: Annotated[
        Literal["never", "asked", "always"],
        _says("Which answers say where their data come from: `asked`: those of requests whose extensions ask for it."),
    ] = "asked"
    metrics_host: Annotated[str, _says("Address on which /metrics is answered.")] = "127.0.0.1"
    metrics_port: Annotated[
        int, msgspec.Meta(ge=0, le=65535, description="Port on which /metrics is answered; 0: none.")
    ] = 0


class SubgraphSettings(_Section, frozen=True):
    """One subgraph, by its name."""

    url: Annotated[str, _says("Address to use instead of the supergraph's.")] = ""
    key_file: Annotated[str, _says("File with the key that signs requests to it: `key-id:secret`.")] = ""
    timeout: Annotated[float, msgspec.Meta(gt=0, description="Seconds one of its answers may take.")] = 5.0
    connections: Annotated[int, msgspec.Meta(ge=1, description="Connections kept to it, per worker.")] = 32
    transport: Annotated[
        Literal["direct", "aiohttp"], _says("`direct`: the built-in HTTP/1.1 client; `aiohttp`: proxies, unusual TLS.")
    ] = "direct"
    proxy: Annotated[str, _says("Address of an HTTP proxy to reach it by.")] = ""
    ca_file: Annotated[str, _says("PEM file with the authorities to trust instead of the system's.")] = ""
    client_certificate: Annotated[str, _says("PEM file with the certificate to show to it, chain included.")] = ""
    client_key: Annotated[str, _says("PEM file with the key of client_certificate.")] = ""
    compressed: Annotated[bool, _says("Ask for gzip: worth its cost over slow lines only.")] = False
    subscriptions: Annotated[
        Literal["http", "websocket"],
        _says("`http`: an answer that streams, signed as any; `websocket`: graphql-transport-ws at the same address."),
    ] = "http"


class CacheSettings(_Section, frozen=True):
    """Bounds of what is remembered between requests, per worker."""

    documents: Annotated[
        int, msgspec.Meta(ge=1, description="Prepared requests by exact text; a large one counts for each 32 kB.")
    ] = 10_000
    plans: Annotated[
        int, msgspec.Meta(ge=1, description="Query plans by normalised operation; a large one counts for each 32 kB.")
    ] = 10_000


class LimitSettings(_Section, frozen=True):
    """What is refused before any work is done. Fragments count as if written out."""

    body: Annotated[int, msgspec.Meta(ge=1, description="Bytes of a request's body.")] = 1_000_000
    batch: Annotated[int, msgspec.Meta(ge=0, description="Requests in one body; 0 refuses batches.")] = 0
    tokens: Annotated[int, msgspec.Meta(ge=1, description="Tokens of a document.")] = 15_000
    depth: Annotated[int, msgspec.Meta(ge=1, description="Levels of fields in an operation.")] = 50
    selections: Annotated[int, msgspec.Meta(ge=1, description="Fields in an operation.")] = 10_000
    root_fields: Annotated[int, msgspec.Meta(ge=1, description="Fields on an operation's first level.")] = 200
    aliases: Annotated[int, msgspec.Meta(ge=0, description="Aliases in an operation.")] = 1_000
    directives: Annotated[int, msgspec.Meta(ge=0, description="Directives in an operation.")] = 1_000
    at_once: Annotated[int, msgspec.Meta(ge=1, description="Requests under way, per worker.")] = 1_000
    rate: Annotated[float, msgspec.Meta(ge=0, description="Requests a second of one known caller; 0: any.")] = 0.0
    burst: Annotated[int, msgspec.Meta(ge=1, description="Requests of one known caller at once, under a rate.")] = 20
    anonymous_rate: Annotated[
        float,
        msgspec.Meta(ge=0, description="Requests a second of one address without a credential; 0: as limits.rate."),
    ] = 0.0
    anonymous_burst: Annotated[
        int, msgspec.Meta(ge=1, description="Requests of one such address at once, under anonymous_rate.")
    ] = 20
    streams_of_one: Annotated[
        int, msgspec.Meta(ge=1, description="Event streams and WebSockets of one caller, per worker.")
    ] = 100


class DocumentSettings(_Section, frozen=True):
    """Documents that the gateway holds, to be asked for by id."""

    trusted: Annotated[str, _says("JSON file of documents by id.")] = ""
    only_trusted: Annotated[bool, _says("Refuse every other document.")] = False
    persisted: Annotated[int, msgspec.Meta(ge=0, description="Bytes kept of documents persisted by hash.")] = 32_000_000


class Settings(_Section, frozen=True):
    """All settings of one gateway."""

    server: ServerSettings = ServerSettings()
    supergraph: SupergraphSettings = SupergraphSettings()
    access: AccessSettings = AccessSettings()
    registry: RegistrySettings = RegistrySettings()
    sync: SyncSettings = SyncSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    caches: CacheSettings = CacheSettings()
    limits: LimitSettings = LimitSettings()
    documents: DocumentSettings = DocumentSettings()
    subgraphs: dict[str, SubgraphSettings] = {}
    peers: dict[str, PeerSettings] = {}


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads ``path`` (none: defaults) and the environment over it.

    Relative paths inside the file stand relative to the file. Raises CodedError SETTINGS_INVALID.
    """
    raw: dict[str, object] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CodedError(SETTINGS_INVALID, f"There is no settings file {path}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CodedError(SETTINGS_INVALID, f"{path} is not TOML: {error}.") from None
        _anchor_paths(raw, path.parent)
    for variable, keys in _environment_keys(environment):
        table = raw
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                raise CodedError(SETTINGS_INVALID, f"{variable} stands inside {key}, which is not a table.")
            table = inner
        table[keys[-1]] = environment[variable]
    return convert_settings(raw)


def convert_settings(raw: Mapping[str, object]) -> Settings:
    """Checks a tree of plain values against Settings. Raises CodedError SETTINGS_INVALID naming the key."""
    _refuse_unknown(raw, Settings, ())
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise CodedError(SETTINGS_INVALID, f"Settings: {error}.") from None


_BY_NAME: Mapping[str, type[msgspec.Struct]] = {"subgraphs": SubgraphSettings, "peers": PeerSettings}


def known_settings() -> Iterator[tuple[str, str, str]]:
    """Every setting as (dotted name, default as text, meaning), for the command line and the documentation."""
    for section in msgspec.structs.fields(Settings):
        table = get_args(section.type)[1] if section.name in _BY_NAME else section.type
        prefix = f"{section.name}.NAME" if section.name in _BY_NAME else section.name
        for field in msgspec.structs.fields(table):
            meaning = next(a.description for a in field.type.__metadata__ if a.description)
            value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            default = "" if value == "" else msgspec.json.encode(value).decode()
            yield f"{prefix}.{field.name}", default, meaning


def _environment_keys(environment: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and "__" in variable:
            yield variable, variable.removeprefix(PREFIX).lower().split("__")


_PATHS = (
    ("supergraph", "source"),
    ("supergraph", "compose"),
    ("access", "catalogue"),
    ("access", "policy"),
    ("access", "callers"),
    ("access", "store"),
    ("access", "store_key"),
    ("access", "person_key"),
    ("registry", "store"),
    ("registry", "departments"),
    ("sync", "key"),
    ("server", "explorer_config"),
    ("server", "certificate"),
    ("server", "private_key"),
    ("server", "client_authorities"),
    ("documents", "trusted"),
)


def _anchor_paths(raw: dict[str, object], folder: Path) -> None:
    """Makes relative paths absolute: what a file names lies beside it, wherever the command is run."""

    def anchor(table: object, key: str) -> None:
        if isinstance(table, dict) and isinstance(value := table.get(key), str) and value and "://" not in value:
            table[key] = str(folder / value)

    for section, key in _PATHS:
        anchor(raw.get(section), key)
    subgraphs = raw.get("subgraphs")
    if isinstance(subgraphs, dict):
        for table in subgraphs.values():
            for key in ("key_file", "ca_file", "client_certificate", "client_key"):
                anchor(table, key)


def _refuse_unknown(value: object, section: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    if not isinstance(value, Mapping):
        return
    fields = {field.name: field.type for field in msgspec.structs.fields(section)}
    for key, inner in value.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Known here: {', '.join(sorted(fields))}."
            raise CodedError(SETTINGS_INVALID, f"Unknown setting {'.'.join((*path, str(key)))}.{hint}")
        if key in _BY_NAME and isinstance(inner, Mapping):
            for name, table in inner.items():
                _refuse_unknown(table, _BY_NAME[key], (*path, key, name))
        elif isinstance(fields[key], type) and issubclass(fields[key], msgspec.Struct):
            _refuse_unknown(inner, fields[key], (*path, key))
