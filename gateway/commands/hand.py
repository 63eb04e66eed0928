"""By whose hand a command writes, for the ledger: a person whom a command only names is not proved by it."""

import getpass
import os
import socket


def hand() -> str:
    """All that this machine can say of whoever runs the command: the login, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"by {user} on {socket.gethostname()}"
