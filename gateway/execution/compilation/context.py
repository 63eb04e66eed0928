"""What the writers of a plan's code share.

In the code, ``s`` is the state of one request: ``s.root`` the root's structure, ``s.gN_I`` the groups of fetch N's
request I (from key to the objects that one representation stands for), ``s.bN`` the bodies of fetch N.
"""

from gateway.execution.compilation.code import Code
from gateway.execution.compilation.shapes import Layout, Shape, Slot
from gateway.execution.compilation.structures import Structures
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import EntityRequest, QueryPlan


class Context:
    """The plan, what was worked out of it, and the module under construction.

    ``cleared`` holds the hidden slots that the code puts out of sight as soon as it has read them.
    """

    def __init__(
        self, plan: QueryPlan, templates: tuple[RequestTemplate, ...], layout: Layout, structures: Structures
    ) -> None:
        self.plan = plan
        self.templates = templates
        self.layout = layout
        self.structures = structures
        self.code = Code()
        self.cleared: set[tuple[Shape, Slot]] = set()
        for shape in layout.shapes:
            self.code.name_class(shape, structures.of[shape])
        self.requests = {
            id(targets.request): (f"g{number}_{index}", targets, number)
            for number, each in layout.targets.items()
            for index, targets in enumerate(each)
        }

    def group_of(self, request: EntityRequest) -> str:
        """The name under which the groups of a request are held."""
        return self.requests[id(request)][0]
