"""The gate before everything: no request, download or websocket passes without a known principal."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.vocabulary.errors import Forbidden, StorageError
from models.vocabulary.identity import Principal
from service.access import TICKET_HEADER, AccessControl, Caller, Unauthenticated
from service.http.policies import Policy, rule_for

SESSION_COOKIE: Final = "millicore_session"
TOKEN_PARAMETER: Final = "token"  # noqa: S105

_FORWARDING_HEADERS = frozenset(
    {
        "forwarded",
        "x-real-ip",
        "via",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "remote-user",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-url",
        "x-remote-user",
    }
)
_FORWARDING_PREFIXES = ("x-forwarded", "x-original-forwarded", "x-auth-request-")
_OLD_HTTP = "1.0"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # the boards' charts compile their expressions, hence unsafe-eval; nothing is ever loaded from elsewhere
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
    ),
}


class SecurityHeaders:
    """Adds the security headers to every answer.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding headers to the first message of an answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *(e for e in extra if e[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class AccessGate:
    """Asks for every request and websocket who calls, by the path's policy, before anything else runs.

    Puts the principal into ``request.state.principal`` and a ticket into the headers that boards read.

    Parameters
    ----------
    app : ASGI application
    control : AccessControl
    """

    def __init__(self, app: ASGIApp, control: AccessControl) -> None:
        self._app = app
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = {
            **scope,
            "headers": [(n, v) for n, v in scope["headers"] if n.lower() != TICKET_HEADER.encode()],
        }
        refusal = _refuse_by_path(scope)
        if refusal is None:
            refusal = await self._admit(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await refusal(scope, receive, send)

    async def _admit(self, scope: Scope) -> Response | None:
        rule = rule_for(scope["path"])
        if rule is not None and rule.policy is Policy.OPEN:
            return None
        link = _link_answer(scope, self._control)
        if link is not None:
            return link
        caller = caller_of(scope, self._control.proxy_header)
        try:
            principal, ticket = await anyio.to_thread.run_sync(self._recognise, caller)
        except Unauthenticated as problem:
            return _answer(scope, 401, str(problem))
        except Forbidden as problem:
            return _answer(scope, 403, str(problem))
        except StorageError as problem:
            return _answer(scope, 503, str(problem))
        scope["state"] = {**scope.get("state", {}), "principal": principal}
        scope["headers"].append((TICKET_HEADER.encode(), ticket.encode()))
        return None

    def _recognise(self, caller: Caller) -> tuple[Principal, str]:
        identity = self._control.identify(caller)
        return self._control.principal(identity), self._control.issue_ticket(identity)


def caller_of(scope: Scope, proxy_header: str | None) -> Caller:
    """Return what a connection says about itself."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return Caller(
        address=client[0] if client else None,
        host=_host_name(headers.get("host")),
        bearer=credentials.strip() if scheme.lower() == "bearer" else None,
        session=_cookie(headers, SESSION_COOKIE),
        proxy_user=_one_value(headers, proxy_header),
        is_forwarded=_is_forwarded(scope, headers),
    )


def _one_value(headers: Headers, name: str | None) -> str | None:
    # a proxy that adds its value behind one that the caller sent has vouched for neither
    values = headers.getlist(name) if name else []
    return values[0] if len(values) == 1 else None


def _is_forwarded(scope: Scope, headers: Headers) -> bool:
    # nginx names nobody by default, but speaks HTTP/1.0 to what stands behind it; browsers and clients do not
    if scope.get("http_version") == _OLD_HTTP:
        return True
    return any(name in _FORWARDING_HEADERS or name.startswith(_FORWARDING_PREFIXES) for name in headers)


def _refuse_by_path(scope: Scope) -> Response | None:
    rule = rule_for(scope["path"])
    if rule is None or rule.policy is Policy.OFF:
        return _answer(scope, 404, "there is nothing here")
    method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
    if method not in rule.methods:
        return _answer(scope, 405, f"{method} is not possible here")
    if method not in _SAFE_METHODS and not _is_same_origin(scope):
        return _answer(scope, 403, "the request comes from another site")
    return None


def _is_same_origin(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None:
        # not a browser: browsers send Origin with every websocket and every POST
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return urlsplit(origin).netloc == headers.get("host")


def _link_answer(scope: Scope, control: AccessControl) -> Response | None:
    """Answer the one-time link: keep its secret in a cookie and out of the address."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if not control.is_link(next(iter(query.get(TOKEN_PARAMETER, [])), None)):
        return None
    del query[TOKEN_PARAMETER]
    rest = urlencode(query, doseq=True)
    answer = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        control.session_value,
        httponly=True,
        samesite="strict",
        secure=scope.get("scheme") == "https",
        path="/",
    )
    answer.headers["cache-control"] = "no-store"
    return answer


def _cookie(headers: Headers, name: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return None
    return jar[name].value if name in jar else None


def _host_name(host: str | None) -> str | None:
    if host is None:
        return None
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _answer(scope: Scope, status: int, text: str) -> Response:
    accepts = Headers(scope=scope).get("accept", "")
    challenge = {"www-authenticate": 'Bearer realm="millicore"'} if status == 401 else {}
    headers: dict[str, Any] = {"cache-control": "no-store", **challenge}
    if "text/html" in accepts and status in (401, 403):
        return HTMLResponse(_PAGE.replace("{text}", _escape(text)), status, headers=headers)
    if scope["path"].startswith(("/v1/", "/allocation")):
        return JSONResponse({"code": status, "message": text}, status, headers=headers)
    return PlainTextResponse(text + "\n", status, headers=headers)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_PAGE = (
    "<!doctype html><meta charset='utf-8'><title>Millicore</title>"
    "<body style='font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem;"
    "color:#1b2733'><h1 style='font-size:1.3rem'>Millicore</h1><p>{text}.</p>"
)
