"""Operations that show a problem: a path through the supergraph written as GraphQL that clients could send."""

from dataclasses import dataclass

from gateway.supergraph.elements import Member, is_required


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way, with the type condition that holds below it; the first step names the operation's kind."""

    name: str
    member: Member | None = None
    condition: str | None = None


def operation(path: tuple[Step, ...], leaf: bool = False) -> str:
    """The operation that follows the path. Required arguments become variables."""
    root, *fields = path
    variables: list[str] = []
    opened: list[str] = []
    for depth, step in enumerate(fields, 1):
        indent = "  " * (depth + sum(1 for earlier in fields[: depth - 1] if earlier.condition))
        opened.append(f"{indent}{step.name}{_arguments(step, variables)}")
        if step.condition is not None:
            opened.append(f"{indent}  ... on {step.condition}")
    lines = [f"{line} {{" for line in opened[:-1]]
    last = opened[-1] if opened else "  __typename"
    lines.append(last if leaf or not opened else f"{last} {{ __typename }}")
    closing = [f"{line[: len(line) - len(line.lstrip())]}}}" for line in reversed(opened[:-1])]
    signature = f"({', '.join(variables)})" if variables else ""
    head = "{" if root.name == "query" and not variables else f"{root.name}{signature} {{"
    return "\n".join([head, *lines, *closing, "}"])


def _arguments(step: Step, variables: list[str]) -> str:
    given = []
    for argument in step.member.arguments.values() if step.member else ():
        if is_required(argument):
            name = (
                argument.name
                if not any(v.startswith(f"${argument.name}:") for v in variables)
                else (f"{argument.name}{len(variables)}")
            )
            variables.append(f"${name}: {argument.type}")
            given.append(f"{argument.name}: ${name}")
    return f"({', '.join(given)})" if given else ""
