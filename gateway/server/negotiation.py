"""Which media type an answer takes (RFC 9110 section 12.5.1; GraphQL over HTTP, "Media Types")."""

from enum import StrEnum
from functools import lru_cache


class MediaType(StrEnum):
    """The forms in which the data endpoint answers, best first."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"
    EVENT_STREAM = "text/event-stream"


_RANGES = {
    "application/graphql-response+json": MediaType.GRAPHQL,
    "application/json": MediaType.JSON,
    "text/event-stream": MediaType.EVENT_STREAM,
    # A client that takes anything was most likely written before the GraphQL media type existed.
    "application/*": MediaType.JSON,
    "*/*": MediaType.JSON,
}
_ORDER = list(MediaType)


@lru_cache(maxsize=512)
def negotiate(accept: bytes) -> MediaType | None:
    """The media type that ``accept`` (empty: no such header) prefers, by weight and then as MediaType lists them.

    None where it admits none of them.
    """
    if not accept:
        return MediaType.JSON
    weights: dict[MediaType, float] = {}
    refused: set[MediaType] = set()
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        media_type = _RANGES.get(name)
        if media_type is None:
            continue
        weight = _weight(parameters)
        if weight > 0:
            weights[media_type] = max(weight, weights.get(media_type, 0.0))
        elif weight == 0 and "*" not in name:
            refused.add(media_type)
    admitted = [media_type for media_type in weights if media_type not in refused]
    return max(admitted, key=lambda one: (weights[one], -_ORDER.index(one)), default=None)


@lru_cache(maxsize=512)
def names_stream(accept: bytes) -> bool:
    """Whether ``Accept`` may prefer an event stream; a header that cannot is most often told by its bytes."""
    return MediaType.EVENT_STREAM.encode() in accept.lower()


def _weight(parameters: list[str]) -> float:
    """The ``q`` of a media range; -1 where it is not a weight or where another charset than UTF-8 is asked for."""
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip('"')
        if name == "charset" and value not in ("utf-8", "utf8"):
            return -1
        if name == "q":
            try:
                weight = float(value)
            except ValueError:
                return -1
            if not 0 <= weight <= 1:
                return -1
    return weight


@lru_cache(maxsize=512)
def is_json_body(content_type: bytes) -> bool:
    """Whether a request's ``Content-Type`` declares JSON in UTF-8."""
    name, *parameters = (piece.strip() for piece in content_type.decode("latin-1").lower().split(";"))
    if name != "application/json":
        return False
    return all(
        value.strip('"') in ("utf-8", "utf8")
        for parameter in parameters
        for key, _, value in [parameter.partition("=")]
        if key == "charset"
    )
