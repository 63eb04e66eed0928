import json
from typing import Any

import pytest

from catalog_sync.dcat import dcat_document, dcat_text
from catalog_sync.loading import load_catalogue
from tests.catalogue.entry_text import EXAMPLES, TODAY

BASE = "https://open.example"
CATALOGUE = load_catalogue(EXAMPLES, today=TODAY)
DOCUMENT: Any = dcat_document(CATALOGUE.released, BASE, CATALOGUE.classes, TODAY)
NODES: Any = {node["@id"]: node for node in DOCUMENT["@graph"]}


def test_only_open_entries_are_written() -> None:
    datasets = [node["dct:identifier"] for node in DOCUMENT["@graph"] if node["@type"] == "dcat:Dataset"]
    assert datasets == [
        "cq-mr-enterprise",
        "cq-pn-address",
        "cq-ca-social-organisation",
        "cq-tr-bus-arrival",
        "cq-ee-emission",
    ]


def test_of_an_open_entry_only_the_open_items_are_named() -> None:
    text = dcat_text(CATALOGUE.released, BASE, CATALOGUE.classes, TODAY)
    assert "creditCode" in text
    assert "legalRepresentativeId" not in text
    assert "户籍" not in text


@pytest.mark.parametrize(
    ("identity", "right", "frequency"),
    [
        ("cq-mr-enterprise", "PUBLIC", "DAILY"),
        ("cq-pn-address", "RESTRICTED", "MONTHLY"),
        ("cq-ee-emission", "RESTRICTED", "OTHER"),
    ],
)
def test_access_rights_and_frequency_are_those_of_the_tables(identity: str, right: str, frequency: str) -> None:
    dataset = NODES[f"{BASE}/resources/{identity}"]
    assert dataset["dct:accessRights"][0]["@id"].endswith(f"/access-right/{right}")
    assert dataset["dct:accrualPeriodicity"]["@id"].endswith(f"/frequency/{frequency}")


def test_what_is_open_on_application_carries_its_condition_as_a_policy_and_no_distribution() -> None:
    dataset = NODES[f"{BASE}/resources/cq-pn-address"]
    constraint = dataset["odrl:hasPolicy"]["odrl:permission"]["odrl:constraint"]
    assert constraint["odrl:rightOperand"]["@value"].startswith("依申请")
    assert "dcat:distribution" not in dataset


def test_every_reference_within_the_portal_that_names_a_node_finds_it() -> None:
    for node in DOCUMENT["@graph"]:
        if node["@type"] == "dcat:Dataset":
            assert node["dct:publisher"]["@id"] in NODES
            assert all(theme["@id"] in NODES for theme in node.get("dcat:theme", []))
    assert all(each["@id"] in NODES for each in NODES[f"{BASE}/catalogue"]["dcat:dataset"])


def test_the_text_is_json() -> None:
    assert json.loads(dcat_text(CATALOGUE.released, BASE, CATALOGUE.classes, TODAY)) == json.loads(json.dumps(DOCUMENT))
