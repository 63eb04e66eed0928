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
    heads: list[str] = []
    for step in fields:
        heads.append(f"{step.name}{_arguments(step, variables)}")
        if step.condition is not None:
            heads.append(f"... on {step.condition}")
    inner = [heads.pop() if leaf else f"{heads.pop()} {{ __typename }}"] if heads else ["__typename"]
    for head in reversed(heads):
        inner = _braced(head, inner)
    signature = f"({', '.join(variables)})" if variables else ""
    return "\n".join(_braced("" if root.name == "query" and not variables else f"{root.name}{signature}", inner))


def _braced(head: str, inner: list[str]) -> list[str]:
    return [f"{head} {{".lstrip(), *(f"  {line}" for line in inner), "}"]


def _arguments(step: Step, variables: list[str]) -> str:
    given = []
    for argument in step.member.arguments.values() if step.member else ():
        if is_required(argument):
            is_taken = any(variable.startswith(f"${argument.name}:") for variable in variables)
            name = f"{argument.name}{len(variables)}" if is_taken else argument.name
            variables.append(f"${name}: {argument.type}")
            given.append(f"{argument.name}: ${name}")
    return f"({', '.join(given)})" if given else ""
