"""Cached reads of the boards.

Each takes the principal as an explicit argument that is part of the cache key, so that nobody is ever served
what was read for another; entries live a minute and their number is bounded. Errors are never cached.
"""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from models.vocabulary.identity import Principal
from service import runtime as wiring
from service.boards import (
    changes,
    chargeback,
    disputing,
    health,
    inbox,
    leadership,
    oversell,
    programme,
    programme_candidates,
    programme_scalers,
    suggestion,
    unowned,
)

_TTL: Final = 60.0
_SLOW_TTL: Final = 600.0
_ENTRIES: Final = 64


def scope_of(principal: Principal) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what distinguishes readers: identity, roles and teams."""
    return principal.id, tuple(sorted(principal.roles)), tuple(sorted(principal.teams))


def warehouse_name() -> str:
    """Return what distinguishes warehouses within a process."""
    settings = wiring.runtime().settings
    return f"{settings.lake_location} {settings.home.absolute()}"


_HASHES: Final[dict[Any, Any]] = {Principal: scope_of}


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_leadership(
    principal: Principal, warehouse: str, period: str | None, currency: str | None
) -> leadership.LeadershipBoard:
    """Return the cost board."""
    del warehouse
    return leadership.read_leadership(wiring.runtime(), principal, period, currency)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_changes(principal: Principal, warehouse: str, period: str | None) -> changes.ChangesBoard:
    """Return the board of changes."""
    del warehouse
    return changes.read_changes(wiring.runtime(), principal, period)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_periods(principal: Principal, warehouse: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the periods that can be chosen, newest first, and the one a board opens on."""
    del warehouse
    return leadership.read_periods(wiring.runtime(), principal)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_inbox(principal: Principal, warehouse: str) -> inbox.Inbox:
    """Return the suggestions that the principal may see."""
    del warehouse
    return inbox.read_inbox(wiring.runtime(), principal)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_suggestion(
    principal: Principal, warehouse: str, recommendation_id: str
) -> suggestion.SuggestionDetail:
    """Return one suggestion."""
    del warehouse
    return suggestion.read_suggestion(wiring.runtime(), principal, recommendation_id)


def forget_suggestions() -> None:
    """Read suggestions anew at the next look: one was decided."""
    load_inbox.clear()
    load_suggestion.clear()
    load_leadership.clear()


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_chargeback(principal: Principal, warehouse: str, month: str | None) -> chargeback.ChargebackBoard:
    """Return the chargeback board of a month."""
    del warehouse
    return chargeback.read_chargeback(wiring.runtime(), principal, month)


@st.cache_data(ttl=_SLOW_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_verification(principal: Principal, warehouse: str, month: str) -> tuple[chargeback.Check, ...]:
    """Return whether lines, nodes and the provider's bill of a month agree: sums over a month of hours."""
    del warehouse
    sums = chargeback.verify_sums(wiring.runtime(), principal, month)
    return (*sums, *disputing.bill_checks(wiring.runtime(), principal, month))


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_disputes(principal: Principal, warehouse: str, month: str) -> tuple[disputing.DisputeRow, ...]:
    """Return the disputes of a month."""
    del warehouse
    return disputing.read_disputes(wiring.runtime(), principal, month)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_oversell(principal: Principal, warehouse: str) -> oversell.OversellBoard:
    """Return the oversell board."""
    del warehouse
    return oversell.read_oversell(wiring.runtime(), principal)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_unowned(principal: Principal, warehouse: str) -> unowned.UnownedCard:
    """Return the cost without an owner."""
    del warehouse
    return unowned.read_unowned(wiring.runtime(), principal)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_health(principal: Principal, warehouse: str) -> health.HealthBoard:
    """Return the data health board."""
    del warehouse
    return health.read_health(wiring.runtime(), principal)


@st.cache_data(ttl=_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_programme(principal: Principal, warehouse: str) -> programme.ProgrammeBoard:
    """Return initiatives and savings side by side."""
    del warehouse
    return programme.read_programme(wiring.runtime(), principal)


@st.cache_data(ttl=_SLOW_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_candidates(principal: Principal, warehouse: str) -> programme_candidates.CandidateBoard:
    """Return the applications by score and the pilot: it profiles the whole fleet."""
    del warehouse
    return programme_candidates.read_candidates(wiring.runtime(), principal)


@st.cache_data(ttl=_SLOW_TTL, max_entries=_ENTRIES, show_spinner=False, hash_funcs=_HASHES)
def load_scalers(principal: Principal, warehouse: str) -> programme_scalers.ScalerBoard:
    """Return autoscalers and replicas: they read 5-minute lists of a week and forecast the next one."""
    del warehouse
    return programme_scalers.read_scalers(wiring.runtime(), principal)
