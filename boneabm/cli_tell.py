"""How commands speak: errors of users in one message with an exit code, results as one JSON line."""

from __future__ import annotations

import errno
import functools
import json
import math
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from boneabm.errors import BoneabmError

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]

Command = TypeVar("Command", bound=Callable[..., None])


def told(command: Command) -> Command:
    """Turn the errors a user can act on into one red message and an exit code; all others keep their traceback."""

    @functools.wraps(command)
    def told(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except BoneabmError as error:
            stop(str(error), 2)
        except KeyboardInterrupt:
            stop("Stopped.", 130)
        except BrokenPipeError:
            raise typer.Exit(1) from None
        except OSError as error:
            stop(os_error(error), 2)

    return told  # type: ignore[return-value]


def stop(message: str, code: int) -> NoReturn:
    """Print a message on standard error and end with this exit code."""
    from rich.console import Console

    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def os_error(error: OSError) -> str:
    """What the system refused, where, and what helps."""
    hints = {
        errno.ENOSPC: "The disk is full: free some space, or choose another place with --out.",
        errno.EDQUOT: "Your quota is used up: free some space, or choose another place with --out.",
        errno.EACCES: "You may not read or write there: choose another place, or change its permissions.",
        errno.EROFS: "That file system is read-only: choose another place with --out.",
    }
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}. {hints.get(error.errno or 0, '')}".strip()


def echo_json(values: dict[str, Any]) -> None:
    """One line; numbers that JSON does not know (nan, inf) become null."""
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
    typer.echo(json.dumps(finite, default=str))
