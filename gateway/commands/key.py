"""``watersmeet key``: credentials for callers."""

from typing import Annotated

import typer

from policies.credentials import hash_api_key, new_api_key

app = typer.Typer(help="API keys: shown once, kept as hashes.")


@app.command()
def create(
    subject: Annotated[str, typer.Argument(help="Such as app:benefits-portal.")],
    department: Annotated[str, typer.Option("--department", help="The one department it acts for.")],
    identity: Annotated[str, typer.Option("--id", help="The key's name, by which it is revoked.")] = "key-1",
) -> None:
    """Make a key: the secret on stderr, once; the entry for the file of callers on stdout."""
    key = new_api_key()
    typer.echo(key, err=True)
    typer.echo(
        f'[[callers]]\nsubject = "{subject}"\nkind = "application"\ndepartment = "{department}"\n'
        f'[[callers.keys]]\nid = "{identity}"\nsha256 = "{hash_api_key(key)}"'
    )
