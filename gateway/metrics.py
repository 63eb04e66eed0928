"""All metrics of a gateway in the text format of Prometheus (version 0.0.4): no value of a request, nobody's name."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from catalog_sync.freshness import Freshness
from catalog_sync.observations import freshness_by_code
from gateway.gateway import GovernedGateway, PlainGateway
from gateway.measuring import BOUNDS, Counts, Durations
from gateway.registry_following import RegistryFollower
from gateway.registry_monitor import SubgraphMonitor

Labels = Mapping[str, object]
Sample = tuple[str, Labels, float]


def exposition(
    gateway: PlainGateway | GovernedGateway,
    follower: RegistryFollower | None,
    monitor: SubgraphMonitor | None,
    counts: Counts,
    now: datetime,
) -> str:
    """All metrics as text: ``counts`` of all workers, and what the gateway and its registry stand at."""
    seen = () if monitor is None else _seen(gateway, monitor, now)
    return "".join((*_counted(counts), *_standing(gateway, follower), *seen))


def _counted(counts: Counts) -> Iterator[str]:
    requests = [("", {"outcome": outcome}, number) for outcome, number in sorted(counts.requests.items())]
    yield _family("watersmeet_requests_total", "counter", "Requests by outcome: ok, errors, or a code.", requests)
    yield _family(
        "watersmeet_request_duration_seconds",
        "histogram",
        "Seconds until a request was answered; a stream's until it ended.",
        _histogram({}, counts.request_durations),
    )
    fetches = [
        ("", {"subgraph": name, "outcome": outcome}, number)
        for name, outcomes in sorted(counts.fetches.items())
        for outcome, number in sorted(outcomes.items())
    ]
    yield _family("watersmeet_subgraph_requests_total", "counter", "Requests to subgraphs by outcome.", fetches)
    durations = sorted(counts.fetch_durations.items())
    yield _family(
        "watersmeet_subgraph_duration_seconds",
        "histogram",
        "Seconds until a subgraph answered.",
        [sample for name, each in durations for sample in _histogram({"subgraph": name}, each)],
    )
    builds = [("", {"outcome": outcome}, number) for outcome, number in sorted(counts.builds.items())]
    yield _family("watersmeet_graph_builds_total", "counter", "Graphs put into force (taken) or refused.", builds)


def _standing(gateway: PlainGateway | GovernedGateway, follower: RegistryFollower | None) -> Iterator[str]:
    open_: list[Sample] = [("", {}, gateway.streams)]
    yield _family("watersmeet_streams", "gauge", "Streams open on the worker that answers.", open_)
    if gateway.serving:
        snapshot = gateway.build.snapshot
        yield _info("watersmeet_graph_info", "The graph served.", {"version": snapshot.graph_version[:12]})
        if snapshot.governance is not None:
            version = snapshot.governance.tables.version
            yield _info("watersmeet_policy_info", "The policy in force.", {"version": version})
    if follower is not None:
        state = follower.state
        releases = [("", {"subgraph": each.subgraph}, each.number) for each in follower.releases]
        yield _family("watersmeet_release", "gauge", "Number of the release served, by subgraph.", releases)
        failing: list[Sample] = [("", {}, int(bool(state.problem)))]
        yield _family("watersmeet_graph_refused", "gauge", "1 while the newest releases cannot be served.", failing)
        seconds: list[Sample] = [("", {}, state.build_seconds)]
        yield _family("watersmeet_graph_build_seconds", "gauge", "Seconds the last change took to build.", seconds)


def _seen(gateway: PlainGateway | GovernedGateway, monitor: SubgraphMonitor, now: datetime) -> Iterator[str]:
    drifted = [("", {"subgraph": look.subgraph}, int(look.drifted)) for look in monitor.looks]
    yield _family("watersmeet_subgraph_drifted", "gauge", "1 where another schema runs than was released.", drifted)
    answering = [("", {"subgraph": look.subgraph}, int(look.running is not None)) for look in monitor.looks]
    yield _family("watersmeet_subgraph_answers", "gauge", "1 where the last look was answered.", answering)
    if not gateway.serving or gateway.build.snapshot.governance is None:
        return
    entries = gateway.build.snapshot.governance.catalogue.released
    fresh = [
        ("", {"resource": code}, int(freshness is Freshness.FRESH))
        for code, freshness in sorted(freshness_by_code(entries, monitor.data_times, now).items())
        if freshness is not Freshness.UNKNOWN
    ]
    yield _family("watersmeet_resource_fresh", "gauge", "0 where data are older than the declared cycle.", fresh)
    times = [("", {"resource": code}, at.timestamp()) for code, at in sorted(monitor.data_times.items())]
    yield _family("watersmeet_resource_data_time_seconds", "gauge", "When data last really changed (Unix time).", times)


def _info(name: str, meaning: str, labels: Labels) -> str:
    return _family(name, "gauge", meaning, [("", labels, 1)])


def _histogram(labels: Labels, durations: Durations) -> Iterator[Sample]:
    total = 0
    for bound, number in zip((*BOUNDS, "+Inf"), durations.classes, strict=True):
        total += number
        yield "_bucket", {**labels, "le": bound}, total
    yield "_sum", labels, durations.seconds
    yield "_count", labels, total


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
    for suffix, labels, value in samples:
        told = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
        lines.append(f"{name}{suffix}{{{told}}} {value}" if told else f"{name}{suffix} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
