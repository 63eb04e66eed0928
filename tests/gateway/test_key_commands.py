"""The life of an API key by commands, while a gateway follows the file: made, exchanged with an overlap, taken back."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from gateway.server.answering import Credentials
from gateway.server.authentication import FollowedAuthenticator
from policies.credentials import hash_api_key
from policies.errors import CodedError
from tests.gateway.test_commands import expect_complaint, run  # noqa: F401 - a fixture

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Following:
    """A gateway's view of the file, looked at whenever a test asks."""

    def __init__(self, path: Path) -> None:
        self._looks = 0.0
        self._authenticator = FollowedAuthenticator(path, "intranet", clock=lambda: self._looks)

    async def knows(self, key: str) -> bool:
        self._looks += 1.0
        try:
            return (await self._authenticator.authenticate(Credentials(api_key=key))).subject == "app:benefits"
        except CodedError:
            return False


def made(outcome):
    code, out, err = outcome
    assert code == 0, err
    return out.strip()


async def test_a_key_is_made_exchanged_and_taken_back_without_a_restart(run, tmp_path):  # noqa: F811
    file = tmp_path / "callers.toml"
    with time_machine.travel(START, tick=False) as clock:
        first = made(run("key", "create", "app:benefits", "--department", "welfare", "--callers", "callers.toml"))
        gateway = Following(file)
        assert await gateway.knows(first)
        assert first not in file.read_text()

        second = made(run("key", "rotate", "app:benefits", "--overlap", "7", "--callers", "callers.toml"))
        assert await gateway.knows(first)
        assert await gateway.knows(second)
        clock.shift(timedelta(days=7))
        assert not await gateway.knows(first)
        assert await gateway.knows(second)

        code, out, _ = run("key", "list", "--callers", "callers.toml", "--format", "json")
        assert code == 0
        assert [(row["id"], row["state"]) for row in json.loads(out)] == [
            ("2026-11-23", "ended"),
            ("2026-11-23-2", "counts"),
        ]
        assert hash_api_key(second) not in out

        made(run("key", "revoke", "app:benefits", "2026-11-23-2", "--callers", "callers.toml"))
        assert not await gateway.knows(second)
        expect_complaint(run("key", "rotate", "app:benefits", "--callers", "callers.toml"), "no key that counts")


WRITTEN = """# Callers of the welfare bureau
[[callers]]
subject = "app:benefits"   # the portal
department = "welfare"
keys = [
    # made by hand
    { id = "old", sha256 = "HASH", zones = ["intranet"], purposes = ["eligibility-check"] },
]

[[callers]]
subject = "app:crm"
department = "lottery"

[[callers.keys]]
id = "1"
sha256 = "OTHER"
""".replace("HASH", hash_api_key("a")).replace("OTHER", hash_api_key("b"))


def test_what_people_wrote_stays_as_they_wrote_it(run, tmp_path):  # noqa: F811
    file = tmp_path / "callers.toml"
    file.write_text(WRITTEN)
    file.chmod(0o600)
    made(run("key", "rotate", "app:benefits", "--id", "new", "--callers", "callers.toml"))
    made(run("key", "create", "app:crm", "--id", "2", "--days", "90", "--callers", "callers.toml"))
    text = file.read_text()
    for line in ("# Callers of the welfare bureau", 'subject = "app:benefits"   # the portal', "    # made by hand"):
        assert line in text
    assert file.stat().st_mode & 0o777 == 0o600
    _, out, _ = run("key", "list", "app:benefits", "--callers", "callers.toml", "--format", "json")
    rows = {row["id"]: row for row in json.loads(out)}
    assert (rows["new"]["zones"], rows["new"]["purposes"]) == (["intranet"], ["eligibility-check"])
    assert rows["old"]["expires"] is not None
    _, out, _ = run("key", "list", "app:crm", "--callers", "callers.toml")
    assert [line.split()[1:3] for line in out.splitlines()] == [["1", "counts"], ["2", "counts"]]


def test_an_overlap_never_lengthens_a_key(run, tmp_path):  # noqa: F811
    with time_machine.travel(START, tick=False):
        made(run("key", "create", "app:x", "--id", "a", "--days", "1", "--callers", "callers.toml"))
        made(run("key", "rotate", "app:x", "--id", "b", "--overlap", "30", "--callers", "callers.toml"))
        _, out, _ = run("key", "list", "--callers", "callers.toml", "--format", "json")
    assert [row["expires"] for row in json.loads(out)] == ["2026-11-24T08:00:00Z", None]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rotate", "app:nobody"), "there is no caller app:nobody"),
        (("revoke", "app:benefits", "none"), "app:benefits has no key none"),
        (("create", "app:benefits", "--id", "old"), "has a key old already"),
        (("create", "benefits"), "must be app:, user: or key:"),
        (("create", "app:new", "--department", "wel fare"), "no name of a department"),
    ],
)
def test_what_cannot_be_done_changes_nothing(run, tmp_path, arguments, says):  # noqa: F811
    (tmp_path / "callers.toml").write_text(WRITTEN)
    expect_complaint(run("key", *arguments, "--callers", "callers.toml"), "CREDENTIALS_INVALID", says)
    assert (tmp_path / "callers.toml").read_text() == WRITTEN
    assert [file.name for file in tmp_path.iterdir() if "callers" in file.name] == ["callers.toml"]


@pytest.mark.parametrize(("name", "text"), [("callers.toml", "[[callers]\n"), ("callers.yaml", "callers: []\n")])
def test_a_file_that_commands_cannot_edit_is_named(run, tmp_path, name, text):  # noqa: F811
    (tmp_path / name).write_text(text)
    expect_complaint(run("key", "create", "app:x", "--callers", name), name)
    assert (tmp_path / name).read_text() == text
