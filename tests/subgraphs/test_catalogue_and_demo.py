"""Schemas, catalogue entries and the demonstration's facts fit one another."""

import csv
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from graphql import GraphQLObjectType, parse, validate

import subgraphs
from catalog_sync.loading import Catalogue, load_catalogue
from gateway.composition.compose import SubgraphSource, compose
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from subgraphs.kit.department import Department
from subgraphs.seed.generate import DEPARTMENTS

ROOT = Path(subgraphs.__file__).parent
FACTS: dict[str, Any] = yaml.load((ROOT / "demo" / "demo.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
WITHHELD = {"ResidentBasic.remarks", "EnterpriseRegistration.riskNote"}


def department(name: str) -> Department:
    found = import_module(f"subgraphs.{name}.app").department
    assert isinstance(found, Department)
    return found


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Every department's entries, and those of departments that have no subgraph."""
    gathered = tmp_path_factory.mktemp("catalogue")
    for path in (*ROOT.glob("*/catalogue/*.yaml"), *ROOT.glob("demo/registered_only/*.yaml")):
        (gathered / path.name).write_bytes(path.read_bytes())
    return load_catalogue(gathered)


def test_the_catalogue_holds_the_entries_of_eight_departments_without_a_problem(catalogue: Catalogue) -> None:
    assert len(catalogue) == 15
    assert len({entry.provider.credit_code for entry in catalogue.entries}) == 8


@pytest.mark.parametrize("name", DEPARTMENTS)
def test_every_field_is_an_item_a_relation_or_known_to_be_withheld(name: str, catalogue: Catalogue) -> None:
    schema = department(name).schema().graphql
    for kind in schema.type_map.values():
        entry = catalogue.typed(kind.name)
        if not isinstance(kind, GraphQLObjectType) or entry is None:
            continue
        for field_name, field in kind.fields.items():
            leads_on = isinstance(_named(field.type), GraphQLObjectType)
            covered = entry.item(field_name) is not None or leads_on or field_name == "id"
            assert covered or f"{kind.name}.{field_name}" in WITHHELD, f"{kind.name}.{field_name}"


@pytest.mark.parametrize("name", DEPARTMENTS)
def test_only_keys_are_non_null_so_that_withholding_a_field_never_costs_its_parent(name: str) -> None:
    schema = department(name).schema()
    for kind in schema.graphql.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("_"):
            continue
        keys = set(re.findall(r'@key\(fields: "([^"]+)"', _heading(schema.sdl, kind.name)))
        names = {word for key in keys for word in key.split()}
        non_null = {field for field, one in kind.fields.items() if str(one.type).endswith("!")}
        assert non_null - {"_entities", "_service"} <= names, kind.name


@pytest.mark.parametrize("name", DEPARTMENTS)
def test_types_are_bound_by_the_department_that_is_their_home_and_by_no_other(name: str, catalogue: Catalogue) -> None:
    sdl = department(name).schema().sdl
    for kind, code in re.findall(r'type (\w+) @resource\(code: "([^"]+)"\)', sdl):
        entry = catalogue.entry(code)
        assert entry is not None
        assert (entry.alias, entry.subgraph) == (kind, name)


def test_items_that_are_verified_only_have_no_value_field(catalogue: Catalogue) -> None:
    for name in DEPARTMENTS:
        schema = department(name).schema().graphql
        for entry in catalogue.released:
            kind = schema.type_map.get(entry.alias)
            for item in entry.items:
                if isinstance(kind, GraphQLObjectType) and item.verify_only and item.alias in kind.fields:
                    field = kind.fields[item.alias]
                    assert str(field.type) == "Boolean"
                    assert len(field.args) == 1


def test_the_six_schemas_compose_and_the_ready_queries_are_valid_against_the_result() -> None:
    sources = [SubgraphSource(name, "http://127.0.0.1/graphql", department(name).schema().sdl) for name in DEPARTMENTS]
    composed = compose(sources)
    assert composed.errors == ()
    assert composed.supergraph_sdl is not None
    schema = api_schema(read_supergraph(composed.supergraph_sdl))
    for query in FACTS["queries"]:
        text = (ROOT / "demo" / query["file"]).read_text("utf-8")
        assert validate(schema, parse(text)) == []


def test_the_policy_names_items_that_the_catalogue_has(catalogue: Catalogue) -> None:
    lines = list(csv.reader((ROOT / "demo" / "policy.csv").read_text("utf-8").splitlines(), skipinitialspace=True))
    named = [line[1] for line in lines if line[0] == "g2"]
    assert named
    for name in named:
        code, _, alias = name.rpartition(".")
        assert catalogue.item(code, alias) is not None, name
    departments = {line[1] for line in lines if line[0] == "g"}
    assert all(caller["subject"] in departments for caller in FACTS["callers"])


def _named(kind: Any) -> Any:
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return kind


def _heading(sdl: str, name: str) -> str:
    return next((line for line in sdl.splitlines() if line.startswith(f"type {name} ")), "")
