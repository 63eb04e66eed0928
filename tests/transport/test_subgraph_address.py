"""Addresses of subgraphs are taken apart once, and refused with a reason."""

import pytest

from gateway.errors import CodedError
from gateway.execution.subgraph_address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a/graphql", Address(False, "a", 80, "a", "/graphql")),
        ("https://a.gov.cn", Address(True, "a.gov.cn", 443, "a.gov.cn", "/")),
        ("http://a:4001/g?x=1", Address(False, "a", 4001, "a:4001", "/g?x=1")),
        ("http://[::1]:4001/g", Address(False, "::1", 4001, "[::1]:4001", "/g")),
    ],
)
def test_an_address_is_taken_apart(url: str, address: Address) -> None:
    assert parse_address("a", url) == address
    assert parse_address("a", address.url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "http://"),
        ("a:4001/graphql", "http://"),
        ("ftp://a/", "http://"),
        ("http:///graphql", "no host"),
        ("http://a:99999/", "port"),
        ("http://a:x/", "port"),
        ("http://[::1/", "port or host"),
        ("http://user:word@a/", "user name or password"),
        ("http://a/ b", "percent-encoded"),
        ("http://a/省", "percent-encoded"),
    ],
)
def test_an_address_that_cannot_be_called_names_the_subgraph_and_the_reason(url: str, reason: str) -> None:
    with pytest.raises(CodedError, match=reason) as caught:
        parse_address("civil", url)
    assert caught.value.code.name == "SUBGRAPH_ADDRESS_INVALID"
    assert "civil" in caught.value.message
    assert "word" not in caught.value.message.replace("password", "")
