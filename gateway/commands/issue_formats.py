"""Issues as people and programs read them: text, JSON, and annotations of GitHub's workflows."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.composition.compose import Composition
from gateway.composition.issues import Issue, Severity
from gateway.errors import CodedError


def as_text(composition: Composition) -> str:
    """Every issue with its place, its witness and what to do; empty when there is nothing to say."""
    return "\n".join(_text(issue) for issue in (*composition.errors, *composition.hints))


def _text(issue: Issue) -> str:
    places = ", ".join(node.subgraph if node.line is None else f"{node.subgraph}:{node.line}" for node in issue.nodes)
    lines = [f"{issue.code.severity.value} {issue.code.name}: {issue.message}"]
    if places:
        lines.append(f"  at {places}")
    if issue.witness is not None:
        lines += ["  shown by", *(f"    {line}" for line in issue.witness.splitlines())]
        lines += [f"    - {reason}" for reason in issue.reasons]
    if issue.remedy and issue.code.severity is Severity.ERROR:
        lines.append(f"  to mend: {issue.remedy}")
    return "\n".join(lines)


def as_json(composition: Composition) -> str:
    """``{"errors": [...], "hints": [...]}``; every entry has ``code``, ``message`` and ``nodes``."""
    found = {
        "errors": [issue.as_json() for issue in composition.errors],
        "hints": [issue.as_json() for issue in composition.hints],
    }
    return json.dumps(found, ensure_ascii=False, indent=2)


def unreadable(error: CodedError, format_: str) -> str:
    """Why nothing could be composed at all, in the same forms."""
    code, message = error.code.name, error.message
    if format_ == "json":
        told = {"code": code, "message": message, "nodes": [], "remedy": error.code.remedy}
        return json.dumps({"errors": [told], "hints": []}, ensure_ascii=False, indent=2)
    return f"::error title={_property(code)}::{_data(message)}" if format_ == "github" else f"{code}: {message}"


def as_github(composition: Composition, files: Mapping[str, Path]) -> str:
    """Workflow commands that annotate the lines concerned; ``files`` maps subgraphs to their SDL files."""
    return "\n".join(_annotations((*composition.errors, *composition.hints), files))


def _annotations(issues: Iterable[Issue], files: Mapping[str, Path]) -> Iterable[str]:
    for issue in issues:
        kind = "error" if issue.code.severity is Severity.ERROR else "notice"
        node = next((n for n in issue.nodes if n.subgraph in files), None)
        properties = [f"title={_property(issue.code.name)}"]
        if node is not None:
            properties.append(f"file={_property(str(files[node.subgraph]))}")
            if node.line is not None:
                properties.append(f"line={node.line}")
        remedy = f" {issue.remedy}" if issue.remedy else ""
        yield f"::{kind} {','.join(properties)}::{_data(issue.message + remedy)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
