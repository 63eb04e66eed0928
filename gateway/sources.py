"""Reading what a command or the server is pointed at: files and addresses, with one clear error each."""

import urllib.error
import urllib.request
from pathlib import Path

from gateway.errors import CodedError, ErrorCode, Family

SOURCE_UNREADABLE = ErrorCode(
    "SOURCE_UNREADABLE", Family.SETTINGS,
    "A file or address that was named cannot be read.",
    "Check the name, the rights and the encoding (UTF-8); the message names it.",
)  # fmt: skip


def read_text(path: Path) -> str:
    """A file's text. Raises CodedError SOURCE_UNREADABLE."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CodedError(SOURCE_UNREADABLE, f"There is no file {path}.") from None
    except IsADirectoryError:
        raise CodedError(SOURCE_UNREADABLE, f"{path} is a folder; a file is wanted.") from None
    except UnicodeDecodeError as error:
        raise CodedError(SOURCE_UNREADABLE, f"{path} is not UTF-8 (byte {error.start}).") from None
    except OSError as error:
        raise CodedError(SOURCE_UNREADABLE, f"{path} cannot be read: {error.strerror}.") from None


def read_source(source: str, timeout: float = 10.0) -> str:
    """The text of a file or of an http(s) address. Raises CodedError SOURCE_UNREADABLE."""
    if not source.startswith(("http://", "https://")):
        return read_text(Path(source))
    try:
        with urllib.request.urlopen(source, timeout=timeout) as response:  # scheme checked above
            return bytes(response.read()).decode("utf-8")
    except (urllib.error.URLError, OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CodedError(SOURCE_UNREADABLE, f"{source} cannot be read: {reason}.") from None
