"""YAML as people write it into settings: text alone, and nothing said twice.

YAML 1.1 makes booleans of ``no`` and numbers of ``1_000``; here every value is the text that stands there. Of a key
that is given twice, PyYAML keeps the last and forgets the other; here the file is refused.
"""

from typing import Any

import yaml


class _TextLoader(yaml.BaseLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> Any:
    """The dictionaries, lists and texts of a document. Raises yaml.YAMLError; a MarkedYAMLError has its line."""
    return yaml.load(text, Loader=_TextLoader)
