"""What commands on a registry have in common, apart from the registry: what only names it is read at once."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The gateway's settings.")]
RegistryOption = Annotated[
    str | None, typer.Option("--registry", metavar="STORE", help="The registry's store, instead of registry.store.")
]
GatewayOption = Annotated[
    str, typer.Option("--gateway", metavar="ADDRESS", help="Ask this gateway's administration, not a registry.")
]
CredentialOption = Annotated[
    Path | None, typer.Option("--credential", metavar="FILE", help="Who asks it: a header, `X-API-Key: ...`.")
]
PersonOption = Annotated[
    str, typer.Option("--as", metavar="PERSON@DEPARTMENT", help="Who acts: user:li@public-security, or a credit code.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence; kept in the ledger.")]
AcknowledgeOption = Annotated[
    list[str] | None,
    typer.Option("--acknowledge", metavar="NAME", help="Somebody hit who lets the change pass; may be repeated."),
]
