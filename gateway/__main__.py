"""``python -m gateway`` is the ``watersmeet`` command."""

from gateway.cli import main

main()
