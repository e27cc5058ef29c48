"""Who a caller is and what they may do: deny by default (DESIGN section 8).

Identity comes from a bearer token (only its hash is stored), from an authenticating proxy that the settings
name, or from the one-time link that ``millicore serve`` prints. Without any identity source, callers on
this machine are trusted, unless anything forwarded them.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime

TICKET_HEADER: Final = "x-millicore-ticket"
"""Header that the access gate writes, and strips from what callers send."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_REMEMBER_SECONDS = 10.0
_REMEMBER_MOST = 1000


class Unauthenticated(Forbidden):
    """Nobody knows who the caller is (HTTP 401)."""


class IdentityKind(StrEnum):
    """How a caller proved who they are."""

    TOKEN = "token"  # noqa: S105
    PROXY = "proxy"
    LINK = "link"
    LOCAL = "local"


@dataclass(frozen=True)
class Caller:
    """What a connection says about itself.

    Parameters
    ----------
    address : str or None
        IP address of the peer.
    host : str or None
        Host header without its port.
    bearer, session : str or None
        Bearer token, and cookie of the one-time link.
    proxy_user : str or None
        Content of the trusted proxy header.
    is_forwarded : bool
        Whether any forwarding header is present.
    """

    address: str | None
    host: str | None = None
    bearer: str | None = None
    session: str | None = None
    proxy_user: str | None = None
    is_forwarded: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the peer is this machine, asked for under a name of this machine, and nobody forwarded."""
        if self.address is None or self.is_forwarded or self.host not in _LOCAL_HOSTS:
            return False
        try:
            return ip_address(self.address).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class Identity:
    """A proven identity. ``name`` is a principal, or for tokens the token, which never leaves the process."""

    kind: IdentityKind
    name: str


def local_principal() -> Principal:
    """Return the person who runs this process: whoever can start it can read its files anyway."""
    return Principal(getpass.getuser(), frozenset({Role.ADMIN}))


class AccessControl:
    """Decides who callers are, and looks their roles up anew.

    Parameters
    ----------
    runtime : Runtime
    one_time_token : str or None
        Secret of the link that ``serve`` prints.
    clock : callable
        Seconds, for how long an answer of the database is remembered.
    """

    def __init__(
        self,
        runtime: Runtime,
        one_time_token: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._link = one_time_token
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: dict[tuple[str, str], tuple[float, Principal | None]] = {}

    @property
    def proxy_header(self) -> str | None:
        """Name of the header in which a trusted proxy names the user."""
        return self._runtime.settings.trusted_proxy_header

    @property
    def session_value(self) -> str:
        """Content of the cookie that stands for the one-time link; does not reveal it."""
        return hmac.new(self._key, b"session", hashlib.sha256).hexdigest()

    def is_link(self, token: str | None) -> bool:
        """Whether a token is that of the one-time link."""
        return bool(token and self._link) and hmac.compare_digest(
            str(token).encode(), str(self._link).encode()
        )

    def has_identity_source(self) -> bool:
        """Whether a trusted proxy or a valid token exists, so that being on this machine proves nothing."""
        if self._runtime.settings.trusted_proxy_header is not None:
            return True
        found = self._remember(("tokens", ""), self._any_token)
        return found is not None

    def identify(self, caller: Caller) -> Identity:
        """Return who the caller is. What is presented must be right: nothing falls back to less.

        Raises
        ------
        Unauthenticated
            If nothing proves who it is.
        """
        if caller.bearer is not None:
            return self._identify_bearer(caller.bearer)
        if caller.session is not None and hmac.compare_digest(
            caller.session.encode(), self.session_value.encode()
        ):
            return Identity(IdentityKind.LINK, local_principal().id)
        if caller.proxy_user is not None and self._is_trusted_proxy(caller.address):
            return Identity(IdentityKind.PROXY, caller.proxy_user)
        if caller.is_local and not self.has_identity_source():
            return Identity(IdentityKind.LOCAL, local_principal().id)
        raise Unauthenticated("sign in first: open the link that `millicore serve` printed, or send a token")

    def principal(self, identity: Identity) -> Principal:
        """Return the identity's principal with the roles it holds now.

        Raises
        ------
        Unauthenticated
            If the token is no longer valid.
        Forbidden
            If the principal holds no role.
        """
        if identity.kind in (IdentityKind.LINK, IdentityKind.LOCAL):
            return local_principal()
        found = self._remember((identity.kind, identity.name), lambda: self._look_up(identity))
        if found is None:
            raise Unauthenticated("the token is not valid (any more)")
        if not found.roles:
            raise Forbidden(f"{found.id} holds no role; an admin grants one with `millicore access grant`")
        return found

    def issue_ticket(self, identity: Identity) -> str:
        """Return a signed text that names an identity within this process."""
        content = base64.urlsafe_b64encode(json.dumps([identity.kind, identity.name]).encode()).decode()
        return f"{content}.{self._sign(content)}"

    def redeem_ticket(self, ticket: str | None) -> Identity:
        """Return the identity of a ticket.

        Raises
        ------
        Unauthenticated
            If there is none or this process did not sign it.
        """
        content, _, signature = (ticket or "").partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(content).encode()):
            raise Unauthenticated("sign in first")
        kind, name = json.loads(base64.urlsafe_b64decode(content))
        return Identity(IdentityKind(kind), name)

    def _sign(self, content: str) -> str:
        return hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()

    def _identify_bearer(self, bearer: str) -> Identity:
        if self.is_link(bearer):
            return Identity(IdentityKind.LINK, local_principal().id)
        identity = Identity(IdentityKind.TOKEN, bearer)
        if self._remember((identity.kind, bearer), lambda: self._look_up(identity)) is None:
            raise Unauthenticated("the token is not valid (any more)")
        return identity

    def _look_up(self, identity: Identity) -> Principal | None:
        access = self._runtime.warehouse.access
        if identity.kind is IdentityKind.TOKEN:
            return access.principal_of_token(identity.name, self._runtime.now())
        return access.principal(identity.name)

    def _any_token(self) -> Principal | None:
        now = self._runtime.now()
        valid = any(
            token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
            for token in self._runtime.warehouse.access.tokens()
        )
        return Principal("any token") if valid else None

    def _is_trusted_proxy(self, address: str | None) -> bool:
        if address is None:
            return False
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        networks = (ip_network(text, strict=False) for text in self._runtime.settings.trusted_proxy_addresses)
        return any(peer in network for network in networks)

    def _remember(self, key: tuple[str, str], look_up: Callable[[], Principal | None]) -> Principal | None:
        hashed = (key[0], hashlib.sha256(key[1].encode()).hexdigest())
        now = self._clock()
        with self._lock:
            known = self._remembered.get(hashed)
            if known is not None and now - known[0] < _REMEMBER_SECONDS:
                return known[1]
        found = look_up()
        with self._lock:
            if len(self._remembered) >= _REMEMBER_MOST:
                self._remembered.clear()
            self._remembered[hashed] = (now, found)
        return found


_controls: list[AccessControl] = []


def install_access(control: AccessControl) -> None:
    """Make the control of the running server the one that boards ask."""
    _controls[:] = [control]


def principal_of_ticket(ticket: str | None) -> Principal:
    """Return the principal of a ticket that the running server issued.

    Raises
    ------
    Unauthenticated
        If no server runs, or it did not issue the ticket.
    Forbidden
        If the principal holds no role.
    """
    if not _controls:
        raise Unauthenticated("boards are opened through `millicore serve`")
    return _controls[0].principal(_controls[0].redeem_ticket(ticket))
