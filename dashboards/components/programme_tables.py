"""Tables of the programme board; a column in which nothing is known is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.components.tables import PERCENT_FORMAT, percents, show_table
from service.boards.programme import LedgerRow
from service.boards.programme_candidates import CandidateBoard
from service.boards.programme_scalers import AuditRow, ReplicaRow
from service.boards.texts import say

_number = st.column_config.NumberColumn
_text = st.column_config.TextColumn
_MONEY = "%,.2f"


def show_candidates(board: CandidateBoard) -> None:
    """Show applications by score with its four inputs."""
    rows, core = board.rows, {True: say("programme.yes"), False: say("programme.no")}
    _show(
        {
            "rank": [row.rank for row in rows],
            "application": [row.name for row in rows],
            "score": [row.score for row in rows],
            "wave": [row.wave for row in rows],
            "pilot": [say("programme.is_pilot") if row.is_pilot else "" for row in rows],
            "cost_share": percents([row.cost_ratio for row in rows]),
            "difficulty": [row.difficulty_ratio for row in rows],
            "saving": _amounts([row.saving for row in rows]),
            "confidence": percents([row.confidence_ratio for row in rows]),
            "core": [core[row.is_core] for row in rows],
        },
        {
            "rank": _number(width=40),
            "application": _text(width="large"),
            "score": _number(format="%.2f", width="small"),
            "wave": _number(width="small"),
            "cost_share": _number(format=PERCENT_FORMAT),
            "difficulty": _number(format="%.2f", help=say("programme.column.difficulty_help")),
            "saving": _number(format=_MONEY, help=say("programme.column.saving_help")),
            "confidence": _number(format=PERCENT_FORMAT),
        },
        say("programme.candidates_alt"),
        currency=board.currency,
    )


def show_ledger(rows: Sequence[LedgerRow]) -> None:
    """Show savings that no node bill shows."""
    _show(
        {
            "day": [row.day for row in rows],
            "category": [row.category for row in rows],
            "description": [row.description for row in rows],
            "amount": _amounts([row.amount for row in rows]),
            "currency": [row.currency for row in rows],
            "evidence": [row.evidence for row in rows],
            "approver": [row.approver for row in rows],
            "recorded_by": [row.recorded_by for row in rows],
            "initiative": [row.initiative for row in rows],
        },
        {"amount": _number(format=_MONEY), "description": _text(width="medium")},
        say("programme.ledger_alt"),
    )


def show_audit(rows: Sequence[AuditRow]) -> None:
    """Show what autoscalers achieved, the most money beyond need first."""
    _show(
        {
            "workload": [row.workload for row in rows],
            "cluster": [row.cluster for row in rows],
            "team": [row.team for row in rows],
            "target": [row.target for row in rows],
            "achieved": [row.achieved for row in rows],
            "bounds": [row.bounds for row in rows],
            "mean": [row.replicas_mean for row in rows],
            "at_minimum": percents([row.at_minimum_ratio for row in rows]),
            "at_maximum": percents([row.at_maximum_ratio for row in rows]),
            "excess": [row.excess_hours for row in rows],
            "excess_cost": _amounts([row.excess_cost for row in rows]),
            "currency": [row.currency for row in rows],
            "flaps": [row.flaps_per_day for row in rows],
            "findings": [row.findings for row in rows],
            "scaler": [row.scaler for row in rows],
            "reason": [row.reason for row in rows],
        },
        {
            "mean": _number(format="%.1f", width=66),
            "at_minimum": _number(format=PERCENT_FORMAT, width=66),
            "at_maximum": _number(format=PERCENT_FORMAT, width=66),
            "excess": _number(format="%,.1f", help=say("programme.column.excess_help")),
            "excess_cost": _number(format=_MONEY),
            "flaps": _number(format="%.1f", width=66),
        },
        say("programme.audit_alt"),
    )


def show_replicas(rows: Sequence[ReplicaRow]) -> None:
    """Show replicas now, needed and advised, with what-if cost."""
    _show(
        {
            "workload": [row.workload for row in rows],
            "cluster": [row.cluster for row in rows],
            "team": [row.team for row in rows],
            "basis": [row.basis for row in rows],
            "peak": [row.peak for row in rows],
            "per_replica": [row.per_replica for row in rows],
            "now": [row.now for row in rows],
            "needed": [row.needed for row in rows],
            "advised": [row.advised for row in rows],
            "bound": [row.bound for row in rows],
            "cost_now": _amounts([row.cost_now for row in rows]),
            "cost_then": _amounts([row.cost_then for row in rows]),
            "currency": [row.currency for row in rows],
            "doubts": [row.doubts for row in rows],
            "scaler": [row.scaler for row in rows],
            "reason": [row.reason for row in rows],
        },
        {
            "now": _number(format="%.1f", width="small"),
            "needed": _number(width="small"),
            "advised": _number(width="small"),
            "cost_now": _number(format=_MONEY),
            "cost_then": _number(format=_MONEY),
        },
        say("programme.replicas_alt"),
    )


def _amounts(amounts: Sequence[Decimal | None]) -> list[float | None]:
    return [None if amount is None else float(amount) for amount in amounts]


def _show(
    values: Mapping[str, Sequence[Any]], formats: Mapping[str, Any], alt: str, *, currency: str = ""
) -> None:
    """Show columns by the end of their texts' keys; one in which nothing is known is left out."""
    known = {name: column for name, column in values.items() if any(value is not None for value in column)}
    titles = {name: say(f"programme.column.{name}", currency=currency) for name in known}
    frame = pd.DataFrame({titles[name]: column for name, column in known.items()})
    show_table(frame, alt, columns={titles[name]: formats[name] for name in known if name in formats})
