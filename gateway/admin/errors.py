"""The codes of the administration."""

from gateway.errors import ErrorCode, Family

PEOPLE_ONLY = ErrorCode(
    "PEOPLE_ONLY", Family.ACCESS,
    "The administration answers people of departments alone: neither applications nor the public.",
    "Send the credential of an officer or administrator; applications ask at the data endpoint.", 403,
)  # fmt: skip
ACT_FORBIDDEN = ErrorCode(
    "ACT_FORBIDDEN", Family.POLICY,
    "No console rule (`p2`) gives the person the right to this act on these items.",
    "Let somebody act who has the right, or have a `p2` line added by a draft.", 403,
)  # fmt: skip
NO_PROVIDER = ErrorCode(
    "NO_PROVIDER", Family.POLICY,
    "The policy appoints no department, or more than one, to decide on a resource.",
    "Add one line `p2, ID, dept:NAME, decide, CODE/*, allow` by a draft.", 409,
)  # fmt: skip
MATTER_UNKNOWN = ErrorCode(
    "MATTER_UNKNOWN", Family.ACCESS,
    "There is no draft, application, opening, doubt or version of this name, or it is none of the person's business.",
    "List what you may see, and take a name from there.", 404,
)  # fmt: skip
REGISTRY_UNSET = ErrorCode(
    "REGISTRY_UNSET", Family.SETTINGS,
    "The gateway has no registry, so there are no drafts, reviews or releases to administer.",
    "Set registry.store; `watersmeet catalogue draft` brings a folder of entries over.", 404,
)  # fmt: skip
ROLE_NEEDED = ErrorCode(
    "ROLE_NEEDED", Family.ACCESS,
    "The step is another role's: a catalogue officer's for the own department, or the competent department's.",
    "Let somebody act whose credential carries the role, or have it added in the register of callers.", 403,
)  # fmt: skip
ADMINISTRATION_UNANSWERED = ErrorCode(
    "ADMINISTRATION_UNANSWERED", Family.SETTINGS,
    "The gateway that was asked did not answer, or refused to.",
    "Look at the address after --gateway, and whether the file after --credential holds the header of a person who may "
    "ask there, such as `X-API-Key: ...`.", 502,
)  # fmt: skip
