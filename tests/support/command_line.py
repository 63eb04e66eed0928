"""The command line in a test's own process: exit code, standard output, standard error."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gateway.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``watersmeet`` with arguments, in a locale."""

    def run_command(*arguments: object, language: str = "C.UTF-8") -> Said:
        monkeypatch.setattr("sys.argv", ["watersmeet", *map(str, arguments)])
        monkeypatch.setenv("LC_ALL", language)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, printed.out, printed.err)

    return run_command


def expect_done(said: Said) -> Said:
    """Nothing went wrong."""
    assert said.code == 0, (said.out, said.err)
    return said
