"""Schemas of subgraphs from outside the registry: a folder, a ``supergraph.yaml`` as rover has it, running services."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from catalog_sync.errors import CodedError, ErrorCode, Family
from gateway.composition.compose import SubgraphSource
from gateway.plain_yaml import read_yaml

SOURCES_UNREADABLE = ErrorCode(
    "SOURCES_UNREADABLE",
    Family.COMPOSITION,
    "The subgraphs' schemas could not be read: a file is missing, is not UTF-8, or the configuration has "
    "the wrong form.",
    "Mend the file that the message names; docs/composition.md shows both forms of input.",
    400,
)
SUBGRAPH_SDL_UNREACHABLE = ErrorCode(
    "SUBGRAPH_SDL_UNREACHABLE",
    Family.SUBGRAPH,
    "A running subgraph did not answer `{ _service { sdl } }` with its schema.",
    "Start the subgraph, check its address, and see that it is a federated service.",
    502,
)
CONFIGURATION = "supergraph.yaml"
_FORMS = "`file`, `sdl` or `subgraph_url`"
_URL_LINE = re.compile(r"^\s*#\s*url:\s*(\S*)")
_MAX_BYTES = 16_000_000
_SDL_QUERY = json.dumps({"query": "query Sdl { _service { sdl } }"}).encode()


def load_sources(path: Path, timeout: float = 10.0) -> tuple[SubgraphSource, ...]:
    """Read the subgraphs that ``path`` names: a YAML file, or a folder that holds one or ``<name>.graphql`` files.

    ``timeout`` in seconds holds for each running subgraph asked. Raises CodedError SOURCES_UNREADABLE or
    SUBGRAPH_SDL_UNREACHABLE.
    """
    if path.is_dir():
        configuration = path / CONFIGURATION
        return _from_yaml(configuration, timeout) if configuration.is_file() else _from_folder(path)
    if not path.exists():
        raise CodedError(SOURCES_UNREADABLE, f"{path} does not exist.")
    return _from_yaml(path, timeout)


def schema_files(path: Path) -> Mapping[str, Path]:
    """The SDL files of the subgraphs that have one, by name. Raises CodedError SOURCES_UNREADABLE."""
    if path.is_dir() and not (path / CONFIGURATION).is_file():
        return {file.stem: file for file in sorted(path.glob("*.graphql"))}
    configuration = path / CONFIGURATION if path.is_dir() else path
    files = {name: _schema_file(configuration, entry) for name, entry in _entries(configuration).items()}
    return {name: file for name, file in files.items() if file is not None}


def fetch_sdl(url: str, timeout: float = 10.0) -> str:
    """Ask a running subgraph for its SDL. Raises CodedError SUBGRAPH_SDL_UNREACHABLE."""
    if not url.startswith(("http://", "https://")):
        raise CodedError(SUBGRAPH_SDL_UNREACHABLE, f"{url!r} is no http or https address.")
    headers = {"content-type": "application/json", "accept": "application/json"}
    request = urllib.request.Request(url, _SDL_QUERY, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            body = answer.read(_MAX_BYTES + 1)
    except (OSError, urllib.error.URLError) as error:
        why = getattr(error, "reason", error)
        raise CodedError(SUBGRAPH_SDL_UNREACHABLE, f"{url} did not answer: {why}.") from error
    try:
        sdl = json.loads(body)["data"]["_service"]["sdl"]
    except (ValueError, KeyError, TypeError) as error:
        raise CodedError(SUBGRAPH_SDL_UNREACHABLE, f"{url} answered without `data._service.sdl`.") from error
    if not isinstance(sdl, str):
        raise CodedError(SUBGRAPH_SDL_UNREACHABLE, f"{url} answered a `sdl` that is no text.")
    return sdl


def _from_folder(folder: Path) -> tuple[SubgraphSource, ...]:
    files = sorted(folder.glob("*.graphql"))
    if not files:
        raise CodedError(SOURCES_UNREADABLE, f"{folder} holds neither {CONFIGURATION} nor any .graphql file.")
    return tuple(_from_file(file.stem, file) for file in files)


def _from_file(name: str, file: Path, url: str = "") -> SubgraphSource:
    sdl = _text(file)
    first = _URL_LINE.match(sdl)
    return SubgraphSource(name, url or (first[1] if first else ""), sdl)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CodedError(SOURCES_UNREADABLE, f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CodedError(SOURCES_UNREADABLE, f"{file} is not UTF-8: byte {error.start} is wrong.") from error


def _entries(configuration: Path) -> Mapping[str, Mapping[str, Any]]:
    if configuration.suffix == ".graphql":
        raise CodedError(SOURCES_UNREADABLE, f"{configuration} is one subgraph; name the folder that holds them all.")
    try:
        content = read_yaml(_text(configuration))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark else ""
        why = getattr(error, "problem", None) or "it is nested too deeply, or holds what cannot be printed"
        raise CodedError(SOURCES_UNREADABLE, f"{configuration} cannot be read as YAML{at}: {why}.") from error
    subgraphs = content.get("subgraphs") if isinstance(content, dict) else None
    if not isinstance(subgraphs, dict) or not subgraphs:
        raise CodedError(SOURCES_UNREADABLE, f"{configuration} lists no `subgraphs`.")
    for name, entry in subgraphs.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("schema"), dict):
            raise CodedError(SOURCES_UNREADABLE, f"{configuration}: subgraph {name!r} has no `schema` with {_FORMS}.")
    return {str(name): entry for name, entry in subgraphs.items()}


def _schema_file(configuration: Path, entry: Mapping[str, Any]) -> Path | None:
    file = entry["schema"].get("file")
    return configuration.parent / str(file) if file is not None else None


def _from_yaml(configuration: Path, timeout: float) -> tuple[SubgraphSource, ...]:
    return tuple(_source(configuration, name, entry, timeout) for name, entry in _entries(configuration).items())


def _source(configuration: Path, name: str, entry: Mapping[str, Any], timeout: float) -> SubgraphSource:
    schema, url = entry["schema"], str(entry.get("routing_url") or "")
    file = _schema_file(configuration, entry)
    if file is not None:
        return _from_file(name, file, url)
    if isinstance(schema.get("sdl"), str):
        return SubgraphSource(name, url, schema["sdl"])
    if isinstance(schema.get("subgraph_url"), str):
        return SubgraphSource(name, url or schema["subgraph_url"], fetch_sdl(schema["subgraph_url"], timeout))
    raise CodedError(SOURCES_UNREADABLE, f"{configuration}: `schema` of {name!r} needs {_FORMS}.")
