"""Days as the law counts them: those of Chongqing."""

from datetime import UTC, date, datetime, timedelta, timezone

# Asia/Shanghai, which has kept this offset since 1991: slim machines carry no table of zones.
CHONGQING = timezone(timedelta(hours=8))


def date_in_chongqing(moment: datetime | None = None) -> date:
    """The day of a moment, or today, where the law's days are counted."""
    return (moment or datetime.now(UTC)).astimezone(CHONGQING).date()
