"""The open part of the catalogue as DCAT-AP 3 in JSON-LD, for portals that harvest one another.

Only what the public may have is written: entries that are open or open on application, and of these the open items
alone. DCAT knows datasets but no items, so each dataset conforms to a CSVW table schema that lists them, and its access
rights are the strictest among its open items. The EU's list of access rights cannot tell how departments share, so our
own concept stands beside it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date

from catalog_sync.closed_lists import Cycle, DataType, Network, Opening
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.identifiers import ClassKind
from catalog_sync.licences import Licence, licence_of

_EU = "http://publications.europa.eu/resource/authority"
_CONTEXT: Mapping[str, object] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "adms": "http://www.w3.org/ns/adms#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "csvw": "http://www.w3.org/ns/csvw#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RIGHTS = {Opening.OPEN: "PUBLIC", Opening.ON_APPLICATION: "RESTRICTED", Opening.NOT_OPEN: "NON_PUBLIC"}
_FREQUENCIES = {
    Cycle.REAL_TIME: "UPDATE_CONT",
    Cycle.DAILY: "DAILY",
    Cycle.WEEKLY: "WEEKLY",
    Cycle.MONTHLY: "MONTHLY",
    Cycle.QUARTERLY: "QUARTERLY",
    Cycle.HALF_YEARLY: "ANNUAL_2",
    Cycle.YEARLY: "ANNUAL",
    Cycle.OTHER: "OTHER",
}
_DATA_TYPES = {
    DataType.NUMERIC: "decimal",
    DataType.MONEY: "decimal",
    DataType.DATE: "date",
    DataType.DATE_TIME: "dateTime",
    DataType.LOGICAL: "boolean",
    DataType.DOUBLE: "double",
    DataType.FLOAT: "float",
    DataType.INTEGER: "integer",
    DataType.BLOB: "base64Binary",
    DataType.GENERAL: "base64Binary",
}


def dcat_document(
    entries: Iterable[CatalogueEntry], base: str, classes: Mapping[str, str], on: date
) -> dict[str, object]:
    """The catalogue as one JSON-LD document, with the licences that are in force ``on`` a day.

    ``base`` is the address of the opening portal without a slash at its end: identifiers are minted under it, and its
    ``/graphql`` is the data service's endpoint. ``classes`` names the classes of the national tree. Entries that are
    not open or belong to the intranet are left out.
    """
    shown = [e for e in entries if e.opening is not Opening.NOT_OPEN and e.network is Network.EXTRANET]
    providers = {entry.provider.credit_code: entry.provider for entry in shown}
    themes = sorted({code.class_code for e in shown for code in e.codes if code.kind is not ClassKind.DEPARTMENT})
    scheme = f"{base}/classes"
    datasets = [f"{base}/resources/{entry.id}" for entry in shown]
    graph: list[object] = [
        {
            "@id": f"{base}/catalogue",
            "@type": "dcat:Catalog",
            "dct:title": _chinese("政务信息资源开放目录"),
            "dct:description": _chinese("向社会开放的政务信息资源"),
            "dct:publisher": [_ref(f"{base}/providers/{code}") for code in providers],
            "dcat:themeTaxonomy": _ref(scheme),
            "dcat:dataset": [_ref(dataset) for dataset in datasets],
            "dcat:service": _ref(f"{base}/graphql"),
        },
        {
            "@id": f"{base}/graphql",
            "@type": "dcat:DataService",
            "dct:title": [_chinese("开放查询接口"), _english("Open query endpoint")],
            "dcat:endpointURL": _ref(f"{base}/graphql"),
            "dcat:endpointDescription": _ref(f"{base}/schema.graphql"),
            "dcat:servesDataset": [_ref(dataset) for dataset in datasets],
        },
        {"@id": scheme, "@type": "skos:ConceptScheme", "dct:title": _chinese("政务信息资源分类")},
    ]
    graph += [
        {
            "@id": f"{base}/providers/{code}",
            "@type": "foaf:Agent",
            "foaf:name": _chinese(provider.name),
            "dct:identifier": str(code),
        }
        for code, provider in providers.items()
    ]
    graph += [
        {
            "@id": f"{scheme}/{code}",
            "@type": "skos:Concept",
            "skos:inScheme": _ref(scheme),
            "skos:notation": code,
            "skos:prefLabel": _chinese(classes.get(code, code)),
        }
        for code in themes
    ]
    licences = {entry.id: licence_of(entry, on) for entry in shown}
    graph += [_licence(each) for each in dict.fromkeys(licences.values()) if each is not None]
    graph += [_dataset(entry, base, licences[entry.id]) for entry in shown]
    return {"@context": _CONTEXT, "@graph": graph}


def dcat_text(entries: Iterable[CatalogueEntry], base: str, classes: Mapping[str, str], on: date) -> str:
    """``dcat_document`` as JSON text."""
    return json.dumps(dcat_document(entries, base, classes, on), ensure_ascii=False, indent=1) + "\n"


def _licence(licence: Licence) -> dict[str, object]:
    return {
        "@id": licence.link,
        "@type": "dct:LicenseDocument",
        "dct:identifier": licence.version,
        "dct:title": [_chinese(licence.title.chinese), _english(licence.title.english)],
        "dct:description": [_chinese(licence.conditions.chinese), _english(licence.conditions.english)],
    }


def _dataset(entry: CatalogueEntry, base: str, licence: Licence | None) -> dict[str, object]:
    address = f"{base}/resources/{entry.id}"
    themes = [code.class_code for code in entry.codes if code.kind is not ClassKind.DEPARTMENT]
    dataset: dict[str, object] = {
        "@id": address,
        "@type": "dcat:Dataset",
        "dct:identifier": entry.id,
        "adms:identifier": [{"@type": "adms:Identifier", "skos:notation": str(code)} for code in entry.codes],
        "dct:title": [_chinese(entry.title), _english(_words(entry.alias))],
        "dct:description": _chinese(entry.abstract),
        "dct:publisher": _ref(f"{base}/providers/{entry.provider.credit_code}"),
        "dct:accessRights": [
            _ref(f"{_EU}/access-right/{_RIGHTS[entry.opening]}"),
            _ref(f"{base}/sharing/{entry.sharing.value}"),
        ],
        "dct:accrualPeriodicity": _ref(f"{_EU}/frequency/{_frequency(entry)}"),
        "dct:issued": {"@type": "xsd:date", "@value": str(entry.issued)},
        "dcat:version": str(entry.version),
        "dct:conformsTo": _table_schema(entry, address),
    }
    if entry.provider.unit is not None:
        dataset["dcat:contactPoint"] = {"@type": "vcard:Organization", "vcard:fn": _chinese(entry.provider.unit)}
    if themes:
        dataset["dcat:theme"] = [_ref(f"{base}/classes/{code}") for code in themes]
    if entry.related:
        dataset["dct:relation"] = [_ref(f"{base}/codes/{code}") for code in entry.related]
    if entry.open_condition is not None:
        dataset["odrl:hasPolicy"] = _policy(entry, address)
    if licence is not None:
        dataset["dct:license"] = _ref(licence.link)
    if entry.opening is Opening.OPEN:
        dataset["dcat:distribution"] = {
            **({"dct:license": _ref(licence.link)} if licence is not None else {}),
            "@type": "dcat:Distribution",
            "dcat:accessURL": _ref(f"{base}/graphql"),
            "dcat:accessService": _ref(f"{base}/graphql"),
            "dcat:mediaType": _ref("https://www.iana.org/assignments/media-types/application/json"),
        }
    return dataset


def _table_schema(entry: CatalogueEntry, address: str) -> dict[str, object]:
    shown = [item for item in entry.items if item.opening is not Opening.NOT_OPEN]
    schema: dict[str, object] = {
        "@id": f"{address}/schema",
        "@type": "csvw:Schema",
        "csvw:column": {"@list": [_column(item) for item in shown]},
    }
    if keys := [item.alias for item in shown if item.key]:
        schema["csvw:primaryKey"] = keys
    return schema


def _column(item: InformationItem) -> dict[str, object]:
    return {
        "@type": "csvw:Column",
        "csvw:name": item.alias,
        "csvw:title": _chinese(item.name),
        "csvw:datatype": _DATA_TYPES.get(item.type, "string"),
    }


def _policy(entry: CatalogueEntry, address: str) -> dict[str, object]:
    return {
        "@id": f"{address}/policy",
        "@type": "odrl:Offer",
        "odrl:permission": {
            "odrl:target": _ref(address),
            "odrl:action": _ref("odrl:use"),
            "odrl:constraint": {
                "odrl:leftOperand": _ref("odrl:purpose"),
                "odrl:operator": _ref("odrl:eq"),
                "odrl:rightOperand": _chinese(entry.open_condition or ""),
            },
        },
    }


def _frequency(entry: CatalogueEntry) -> str:
    return "IRREG" if entry.cycle_note == "不定期" else _FREQUENCIES[entry.cycle]


def _words(alias: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", alias)


def _ref(address: str) -> dict[str, object]:
    return {"@id": address}


def _chinese(text: str) -> dict[str, object]:
    return {"@language": "zh", "@value": text}


def _english(text: str) -> dict[str, object]:
    return {"@language": "en", "@value": text}
