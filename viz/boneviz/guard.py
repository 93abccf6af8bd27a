"""Who may talk to the viewer: pages of this machine only, with nothing from elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from boneabm.errors import InputError

LOOPBACK = "127.0.0.1"
NAMES = frozenset({LOOPBACK, "localhost", "::1"})
USUAL_PORT = 8642
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws: data: blob:; "
        "frame-ancestors 'none'; form-action 'none'; base-uri 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_local(address: str) -> bool:
    """Whether "host:port" names this machine itself; any port, as a tunnel may have another one.

    >>> is_local("localhost:9000"), is_local("bone.example.org"), is_local("127.0.0.1.example.org:80")
    (True, False, False)
    """
    try:
        return urlsplit(f"//{address}").hostname in NAMES
    except ValueError:
        return False


def allowed(host: str, origin: str | None) -> bool:
    """Whether a request may be answered.

    A foreign Host means that another site's name was pointed at this machine (DNS rebinding); a foreign Origin that
    a page of another site asks. Programs other than browsers send no Origin.
    """
    return is_local(host) and (origin is None or (urlsplit(origin).netloc == host and origin.startswith("http")))


def middleware() -> Any:
    """Refuses foreign hosts and origins with 403, and forbids the page everything that is not served here."""
    from aiohttp import web

    @web.middleware
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if not allowed(request.headers.get("Host", ""), request.headers.get("Origin")):
            return web.Response(status=403, text="boneabm view answers pages of this machine only.\n")
        try:
            response = await handler(request)
        except ConnectionError:  # the page was closed while a picture was on its way
            return web.Response(status=499)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return guard


def free_port(wanted: int | None) -> int:
    """The wanted port, else the usual one, else any free one; InputError where the wanted one is taken."""
    if wanted is not None:
        if not _is_free(wanted):
            raise InputError(f"--port {wanted} is in use or not allowed. Choose another one, or leave --port out.")
        return wanted
    return USUAL_PORT if _is_free(USUAL_PORT) else 0


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
