"""Following what is in force by the ledger, on both engines: whoever follows sees what one who begins anew sees."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from catalog_sync import seen_changes
from catalog_sync.closed_lists import Cycle
from catalog_sync.documents import ListNode, Node, parse_yaml
from catalog_sync.graph_history import GraphHistory
from catalog_sync.in_force import InForce, InForceReader
from catalog_sync.lifecycle import Side
from catalog_sync.observations import Look, Observations
from catalog_sync.office import CatalogueOffice
from catalog_sync.registry import Actor
from catalog_sync.seen_changes import SeenKind
from tests.catalogue.entry_text import GOOD, varied
from tests.catalogue.offices import CREATED, NOW, REVIEWER, bring_into_force, office, officer, review

TRANSPORT = officer("11500000XXXX0006X1")
STOP = "cq-tr-bus-stop"

pytestmark = pytest.mark.usefixtures("engine")


def nodes(text: str) -> tuple[Node, ...]:
    root = parse_yaml(text, "entries.yaml")
    assert isinstance(root, ListNode)
    return root.items


def release(here: CatalogueOffice, text: str) -> None:
    here.draft(nodes(text), CREATED, TRANSPORT)
    here.submit([STOP], TRANSPORT)
    review(here, [STOP])
    here.accept(STOP, REVIEWER)
    here.release([STOP], REVIEWER)


def put_live(here: CatalogueOffice, sdl: str) -> None:
    releases = here.platform.releases
    made = releases.propose("stops", TRANSPORT.department, sdl, "http://127.0.0.1:1/graphql", TRANSPORT, NOW)
    releases.move("stops", made.number, "approve", REVIEWER, NOW)
    releases.move("stops", made.number, "go live", Actor("", TRANSPORT.department, Side.PLATFORM), NOW)


def anew(here: CatalogueOffice) -> InForce:
    found = InForceReader(here.platform).look()
    assert found is not None
    return found


def test_one_who_follows_sees_what_one_who_begins_anew_sees(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        reader = InForceReader(here.platform)
        assert reader.look() == InForce((), ())
        steps = (
            lambda: bring_into_force(here),
            lambda: release(here, GOOD),
            lambda: release(here, varied(("公交站点的编号", "公交站点的代码"))),
            lambda: put_live(here, "type Query { a: Int }"),
            lambda: put_live(here, "type Query { b: Int }"),
            lambda: here.withdraw(STOP, "replaced", TRANSPORT),
        )
        for step in steps:
            step()
            assert reader.look() == anew(here)
            assert reader.look() is None


def test_steps_that_bring_nothing_into_force_are_no_news(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        release(here, GOOD)
        reader = InForceReader(here.platform)
        reader.look()
        here.draft(nodes(varied(("公交站点的编号", "公交站点的代码"))), CREATED, TRANSPORT)
        here.submit([STOP], TRANSPORT)
        review(here, [STOP])
        assert reader.look() is None


def test_an_entry_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        reader = InForceReader(here.platform)
        first = reader.look()
        release(here, GOOD)
        second = reader.look()
        assert first is not None
        assert second is not None
        kept = {id(entry) for entry in first.entries} & {id(entry) for entry in second.entries}
        assert (len(kept), len(second.entries)) == (12, 13)


def test_graphs_are_kept_as_sets_of_releases_and_returned_to(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        history = GraphHistory(here.platform)
        assert history.latest() is None
        put_live(here, "type Query { a: Int }")
        history.served("aa" * 32, {"stops": 1}, NOW, keep=5)
        put_live(here, "type Query { b: Int }")
        history.served("bb" * 32, {"stops": 2}, NOW, keep=5)
        history.refused({"stops": 2}, ["无法组合"], NOW, keep=5)
        assert [(each.digest[:2], each.problems) for each in history.versions()] == [
            ("", ("无法组合",)),
            ("bb", ()),
            ("aa", ()),
        ]
        assert history.roll_back("aa", REVIEWER, NOW).releases == {"stops": 1}
        assert [each.number for each in here.platform.releases.live()] == [1]


def test_what_was_seen_of_subgraphs_is_kept_and_one_looks_at_a_time(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        observations, now, minute = Observations(here.platform), datetime.now(UTC), timedelta(minutes=1)
        assert [observations.claim("stops", now, minute) for _ in range(2)] == [True, False]
        for at in (now, now + minute):
            observations.keep(Look("stops", "a", "b", ("Query.a: 字段已删除",)), {"30700506/2": at})
        (look,) = observations.looks()
        assert (look.drifted, look.changes) == (True, ("Query.a: 字段已删除",))
        assert observations.data_times() == {"30700506/2": now + minute}
    assert not Look("stops", "a", None, problem="it does not answer").drifted


def test_when_a_schema_drifted_and_when_data_went_stale_is_kept_from_the_moment_it_began(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        daily = next(each for each in here.in_force() if each.cycle is Cycle.DAILY)
        code, hour = str(daily.code), timedelta(hours=1)
        observations = Observations(here.platform)

        def look(hours: int, running: str | None, data: int | None = None) -> None:
            assert observations.claim("civil", NOW + hours * hour, hour / 2)
            times = {} if data is None else {code: NOW + data * hour}
            observations.keep(Look("civil", "a", running, problem="" if running else "refused"), times)

        look(0, "a", data=-1)
        look(1, "b", data=-1)
        look(2, "b", data=-1)
        look(60, "a", data=-1)
        look(61, None)
        look(80, "a", data=70)
        schema = [(c.state, (c.at - NOW) / hour) for c in observations.changes(SeenKind.SCHEMA, "civil")]
        assert schema[:3] == [("as released", 0), ("drifted", 1), ("as released", 60)]
        assert schema[3:] == [("unreachable", 61), ("as released", 80)]
        data = [(c.state, (c.at - NOW) / hour) for c in observations.changes(SeenKind.DATA, code)]
        assert data == [("fresh", -1), ("stale", 47), ("fresh", 70)]


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        ([(0, -1), (80, 40)], [("fresh", -1)]),
        ([(0, -1), (200, 60)], [("fresh", -1), ("stale", 47), ("fresh", 60), ("stale", 108)]),
        ([(0, -1), (60, -1), (61, 50)], [("fresh", -1), ("stale", 47), ("fresh", 50)]),
    ],
    ids=["renewed in time", "renewed late, and stale again before the look", "renewed after it was seen stale"],
)
def test_data_go_stale_and_are_renewed_by_the_calendar_whenever_one_looks(
    tmp_path: Path, looks: list[tuple[int, int]], states: list[tuple[str, int]]
) -> None:
    hour, here_time = timedelta(hours=1), timezone(timedelta(hours=8))
    with office(tmp_path) as here:
        bring_into_force(here)
        code = str(next(each for each in here.in_force() if each.cycle is Cycle.DAILY).code)
        observations = Observations(here.platform)
        for look, data in looks:
            assert observations.claim("civil", NOW + look * hour, hour / 2)
            observations.keep(Look("civil", "a", "a"), {code: (NOW + data * hour).astimezone(here_time)})
        seen = observations.changes(SeenKind.DATA, code)
    assert [(each.state, (each.at - NOW) / hour) for each in seen] == states
    assert [str(each)[:20] for each in seen] == [f"{(NOW + at * hour).isoformat()[:19]}Z" for _, at in states]


def test_of_changes_seen_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_changes, "KEPT", 3)
    with office(tmp_path) as here:
        observations = Observations(here.platform)
        for minute in range(6):
            assert observations.claim("stops", NOW + timedelta(minutes=minute), timedelta(seconds=1))
            observations.keep(Look("stops", "a", "ab"[minute % 2]), {})
        assert [each.at.minute - NOW.minute for each in observations.changes(SeenKind.SCHEMA)] == [3, 4, 5]
