"""@cost and @listSize in one subgraph (Federation 2.9): they must mean something where they stand."""

from gateway.composition import codes
from gateway.composition.issues import CompositionCode, IssueLog
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, named_type
from gateway.supergraph.model import TypeKind


def check_costs(subgraph: Subgraph, log: IssueLog) -> None:
    """Log an issue for every @cost and @listSize that cannot be used."""
    for definition in subgraph.types.values():
        for member in definition.fields.values():
            if definition.kind is TypeKind.INTERFACE:
                _check_interface_field(subgraph, definition, member, log)
            for applied in member.applied("listSize"):
                _check_list_size(subgraph, f"{definition.name}.{member.name}", member, applied, log)


def _check_interface_field(subgraph: Subgraph, definition: Type, member: Member, log: IssueLog) -> None:
    coordinate = f"{definition.name}.{member.name}"
    for applied in member.applied("cost"):
        log.report(
            codes.COST_APPLIED_TO_INTERFACE_FIELD,
            f"[{subgraph.name}] @{applied.name} cannot be applied to {coordinate}, a field of an "
            "interface: it belongs on "
            "the implementations.",
            coordinate,
            at=(subgraph.at(applied),),
        )


def _check_list_size(subgraph: Subgraph, coordinate: str, member: Member, applied: Applied, log: IssueLog) -> None:
    def refuse(code: CompositionCode, why: str) -> None:
        log.report(
            code, f"[{subgraph.name}] @{applied.name} on {coordinate}: {why}", coordinate, at=(subgraph.at(applied),)
        )

    sized = applied.value("sizedFields")
    if not sized and not _is_list(member.type):
        refuse(codes.LIST_SIZE_APPLIED_TO_NON_LIST, f"{member.type} is no list.")
    assumed = applied.value("assumedSize")
    if isinstance(assumed, int) and assumed < 0:
        refuse(codes.LIST_SIZE_INVALID_ASSUMED_SIZE, "assumedSize cannot be negative.")
    for name in applied.value("slicingArguments") or ():
        argument = member.arguments.get(name)
        if argument is None:
            refuse(codes.LIST_SIZE_INVALID_SLICING_ARGUMENT, f"there is no argument {name}.")
        elif argument.type.rstrip("!") != "Int":
            refuse(codes.LIST_SIZE_INVALID_SLICING_ARGUMENT, f"argument {name} is {argument.type}, not Int or Int!.")
    if sized:
        target = subgraph.types.get(named_type(member.type))
        if target is None or target.kind not in (TypeKind.OBJECT, TypeKind.INTERFACE):
            refuse(codes.LIST_SIZE_INVALID_SIZED_FIELD, f"{member.type} has no fields that sizedFields could name.")
            return
        for name in sized:
            found = target.fields.get(name)
            if found is None:
                refuse(codes.LIST_SIZE_INVALID_SIZED_FIELD, f"{target.name} has no field {name}.")
            elif not _is_list(found.type):
                refuse(codes.LIST_SIZE_APPLIED_TO_NON_LIST, f"{target.name}.{name}, a sized field, is no list.")


def _is_list(type_: str) -> bool:
    return type_.startswith("[")
