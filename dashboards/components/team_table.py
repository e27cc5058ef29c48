"""The team table of the cost board as HTML, every value escaped: its totals need no scrolling."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from service.boards.comparisons import tone_of_change
from service.boards.formats import NOT_KNOWN, money, percent, signed_number, signed_percent
from service.boards.leadership_teams import TeamRow
from service.boards.texts import say

_QUIET = ("unowned", "idle", "overhead")


def write_team_table(rows: Sequence[TeamRow], currency: str) -> str:
    """Return the HTML of payers with cost, share, change, CPU use and trend; the last row is the sum."""
    heads = (
        ("column.team", "", ""),
        ("column.cost", "mc-right", ""),
        ("column.share", "mc-right", ""),
        ("column.change", "mc-right", ""),
        ("column.change_ratio", "mc-right mc-wide", ""),
        ("column.request_use", "mc-right mc-wide", "column.request_use_help"),
        ("column.trend", "mc-right mc-wide", ""),
    )
    head = "".join(
        f'<th scope="col" class="{css}"{_title(hint)}>{escape(say(key, currency=currency))}</th>'
        for key, css, hint in heads
    )
    body = "".join(_row(row, currency) for row in rows)
    label = escape(say("leadership.teams_alt"), quote=True)
    return (
        f'<table class="mc-table mc-teams" aria-label="{label}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _title(hint: str) -> str:
    return f' title="{escape(say(hint), quote=True)}"' if hint else ""


def _row(row: TeamRow, currency: str) -> str:
    css = "mc-total" if row.kind == "total" else ("mc-quiet" if row.kind in _QUIET else "")
    amount = money(row.cost, currency).removesuffix(f" {currency}")
    tone = "" if row.change is None else f" mc-{tone_of_change(row.change)}"
    change = NOT_KNOWN if row.change is None else signed_number(row.change, currency)
    cells = (
        ("mc-right", escape(amount)),
        ("mc-right", escape(percent(row.share))),
        (f"mc-right{tone}", escape(change)),
        (f"mc-right mc-wide{tone}", escape(signed_percent(row.change_ratio))),
        ("mc-right mc-wide", escape(percent(row.cpu_use_ratio))),
        ("mc-right mc-wide", _trend(row)),
    )
    rest = "".join(f'<td class="{name}">{content}</td>' for name, content in cells)
    name = f'<th scope="row">{escape(row.label)}</th>'
    return f'<tr class="{css}" data-payer="{escape(row.kind)}">{name}{rest}</tr>'


def _trend(row: TeamRow) -> str:
    highest = max(row.trend, default=0.0)
    if highest <= 0:
        return ""
    label = escape(say("team.trend", team=row.label, count=len(row.trend)), quote=True)
    bars = "".join(f'<i style="height:{value / highest * 100:.0f}%"></i>' for value in row.trend)
    return f'<span class="mc-spark" role="img" aria-label="{label}">{bars}</span>'
