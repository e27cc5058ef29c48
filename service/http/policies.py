"""Which path is open to whom. What is not listed here is refused: deny by default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Policy(StrEnum):
    """Who may call a path."""

    OPEN = "open"
    """Anyone: it says nothing but that the process lives."""
    SIGNED_IN = "signed_in"
    """A principal with a role; what it reads is scoped further by its teams."""
    OFF = "off"
    """Nobody: a Streamlit route that Millicore does not use."""


@dataclass(frozen=True)
class PathRule:
    """A path pattern, the methods that may be used on it, and who may."""

    pattern: re.Pattern[str]
    policy: Policy
    methods: frozenset[str]


_READ = frozenset({"GET", "HEAD"})
_WEBSOCKET = frozenset({"WEBSOCKET"})


def _rule(pattern: str, policy: Policy, *methods: str) -> PathRule:
    return PathRule(re.compile(pattern), policy, frozenset(methods) or _READ)


BOARD_PATHS: Final = ("changes", "suggestions", "chargeback", "oversell", "programme", "health")
"""Addresses of the boards; the cost board is ``/``."""

RULES: Final = (
    _rule(r"/healthz", Policy.OPEN),
    _rule(r"/readyz", Policy.OPEN),
    _rule(r"/metrics", Policy.SIGNED_IN),
    _rule(r"/allocation(/compute)?", Policy.SIGNED_IN),
    _rule(r"/v1/periods", Policy.SIGNED_IN),
    _rule(r"/v1/leadership", Policy.SIGNED_IN),
    _rule(r"/v1/chargeback/[^/]+", Policy.SIGNED_IN),
    _rule(r"/v1/recommendations", Policy.SIGNED_IN),
    _rule(r"/v1/recommendations/[^/]+", Policy.SIGNED_IN),
    _rule(r"/v1/recommendations/[^/]+/decision", Policy.SIGNED_IN, "POST"),
    _rule(r"/v1/recommendations/[^/]+/(accept|reject|snooze|withdraw)", Policy.SIGNED_IN, "POST"),
    _rule(r"/v1/recommendations/[^/]+/events", Policy.SIGNED_IN),
    _rule(r"/v1/(bulk-acceptances|peak-signatures)", Policy.SIGNED_IN, "POST"),
    _rule(r"/v1/exclusions", Policy.SIGNED_IN, "GET", "HEAD", "POST"),
    _rule(r"/v1/exclusions/[^/]+", Policy.SIGNED_IN, "DELETE"),
    _rule(r"/v1/regret", Policy.SIGNED_IN),
    # Streamlit: the boards themselves
    _rule(r"/", Policy.SIGNED_IN),
    _rule(rf"/({'|'.join(BOARD_PATHS)})/?", Policy.SIGNED_IN),
    _rule(r"/(favicon\.png|favicon\.ico|index\.html|manifest\.json|robots\.txt)", Policy.SIGNED_IN),
    _rule(r"/static/.*", Policy.SIGNED_IN),
    _rule(r"/_stcore/(health|host-config)", Policy.SIGNED_IN, "GET", "HEAD", "OPTIONS"),
    # the page asks below its own address when it was opened there
    _rule(rf"/({'|'.join(BOARD_PATHS)})/_stcore/(health|host-config)", Policy.SIGNED_IN),
    _rule(rf"/(({'|'.join(BOARD_PATHS)})/)?_stcore/stream", Policy.SIGNED_IN, *_WEBSOCKET),
    _rule(r"/media/.*", Policy.SIGNED_IN),
    # parts of Streamlit that are switched off
    _rule(r"/_stcore/(script-health-check|metrics|upload_file/.*)", Policy.OFF),
    _rule(r"/_stcore/(agent|bidi-components|custom-components)/.*", Policy.OFF),
    _rule(r"/component/.*", Policy.OFF),
    _rule(r"/app/static/.*", Policy.OFF),
    _rule(r"/(auth/.*|oauth2callback)", Policy.OFF),
)


def rule_for(path: str) -> PathRule | None:
    """Return the rule of a path, or None: then it is refused."""
    return next((rule for rule in RULES if rule.pattern.fullmatch(path)), None)
