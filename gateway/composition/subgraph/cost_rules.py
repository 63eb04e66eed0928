"""@cost and @listSize in one subgraph (Federation 2.9): they must mean something where they stand."""

from gateway.composition import codes
from gateway.composition.issues import CompositionCode, IssueLog, Report, meant
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, named_type
from gateway.supergraph.model import TypeKind


def check_costs(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an issue for every @cost and @listSize that cannot be used."""
    report = log.of(subgraph.name)
    for definition, member in subgraph.fields():
        coordinate = f"{definition.name}.{member.name}"
        for applied in member.applied("cost") if definition.kind is TypeKind.INTERFACE else ():
            why = f"is a field of an interface: @{applied.name} belongs on the implementations."
            report(codes.COST_APPLIED_TO_INTERFACE_FIELD, applied.line, coordinate, why)
        for applied in member.applied("listSize"):
            _check_list_size(subgraph, coordinate, member, applied, report)


def _check_list_size(subgraph: Subgraph, coordinate: str, member: Member, applied: Applied, report: Report) -> None:
    def refuse(code: CompositionCode, why: str) -> None:
        report(code, applied.line, coordinate, f"has a wrong @{applied.name}: {why}")

    sized = applied.value("sizedFields")
    if not sized and not _is_list(member.type):
        refuse(codes.LIST_SIZE_APPLIED_TO_NON_LIST, f"{member.type} is no list.")
    assumed = applied.value("assumedSize")
    if isinstance(assumed, int) and assumed < 0:
        refuse(codes.LIST_SIZE_INVALID_ASSUMED_SIZE, "assumedSize cannot be negative.")
    for name in applied.value("slicingArguments") or ():
        argument = member.arguments.get(name)
        if argument is None:
            refuse(
                codes.LIST_SIZE_INVALID_SLICING_ARGUMENT, f"there is no argument {name}.{meant(name, member.arguments)}"
            )
        elif argument.type.rstrip("!") != "Int":
            refuse(codes.LIST_SIZE_INVALID_SLICING_ARGUMENT, f"argument {name} is {argument.type}, not Int or Int!.")
    target = subgraph.types.get(named_type(member.type))
    if sized and (target is None or target.kind not in (TypeKind.OBJECT, TypeKind.INTERFACE)):
        refuse(codes.LIST_SIZE_INVALID_SIZED_FIELD, f"{member.type} has no fields that sizedFields could name.")
        return
    for name in sized or ():
        found = target.fields.get(name) if target else None
        if found is None:
            nearest = meant(name, target.fields if target else ())
            refuse(codes.LIST_SIZE_INVALID_SIZED_FIELD, f"{named_type(member.type)} has no field {name}.{nearest}")
        elif not _is_list(found.type):
            refuse(codes.LIST_SIZE_APPLIED_TO_NON_LIST, f"{name}, a sized field, is no list.")


def _is_list(type_: str) -> bool:
    return type_.startswith("[")
