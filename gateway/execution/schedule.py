"""The dependencies between the fetches of a plan, turned round for running."""

from gateway.planning.plan import Fetch


class Schedule:
    """Which fetches begin at once, and which wait for which; made once per plan."""

    __slots__ = ("first", "followers", "waits")

    def __init__(self, fetches: tuple[Fetch, ...]) -> None:
        self.first = tuple(fetch.number for fetch in fetches if not fetch.after)
        self.waits = tuple(len(fetch.after) for fetch in fetches)
        self.followers = tuple(
            tuple(later.number for later in fetches if fetch.number in later.after) for fetch in fetches
        )
