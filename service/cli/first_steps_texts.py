"""What demo and connect end with: leadership figures, suggestions, oversell, and what is not known yet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from service.boards.figures import Figure
from service.boards.leadership import LeadershipBoard
from service.boards.leadership_tables import StageRow
from service.cli.model_commands import OVERSELL_COLUMNS
from service.cli.output import Column, Row, number, write_table
from service.cli.recommend_commands import LIST_COLUMNS, suggestion_row
from service.cli.session import Session
from service.usecases.demo import DemoResult

_FIGURE_COLUMNS = (
    Column("label", "figure"),
    number("value"),
    Column("change"),
    Column("note", "days, interval"),
    Column("detail"),
)
_SHORT = (
    "short_id",
    "team",
    "workload",
    "container",
    "cpu",
    "memory",
    "requested_saving_per_month",
    "currency",
)


_STAGE_COLUMNS = (
    Column("name", "optimisation stage"),
    Column("when"),
    Column("nodes"),
    Column("cost", "cost per day"),
    Column("state", "realised saving"),
)


def stage_rows(stages: Sequence[StageRow]) -> list[Row]:
    """Return optimisation stages as rows: size and cost before and after, and what was really saved."""
    names = [column.name for column in _STAGE_COLUMNS]
    return [{name: getattr(stage, name) for name in names} for stage in stages]


def figure_rows(figures: Sequence[Figure]) -> list[Row]:
    """Return the leadership figures as rows."""
    return [
        {
            "key": figure.key,
            "label": figure.label,
            "value": figure.value,
            "change": figure.change.text if figure.change else None,
            "note": figure.note,
            "detail": figure.detail,
        }
        for figure in figures
    ]


def show_board(board: LeadershipBoard) -> None:
    """Write the leadership figures, the doubts that mark them, and the sentence below."""
    write_table(figure_rows(board.figures), _FIGURE_COLUMNS, title=board.header.title)
    marks = ", ".join(mark.text for mark in board.header.marks)
    sys.stdout.write(f"{board.header.data_until}{'; ' + marks if marks else ''}\n{board.sentence}\n")


def show_demo(session: Session, result: DemoResult) -> None:
    """Write everything that the demo ends with."""
    show_board(result.board)
    suggestions = [suggestion_row(stored) for stored in result.suggestions]
    short = [column for name in _SHORT for column in LIST_COLUMNS if column.name == name]
    sys.stdout.write("\n")
    write_table(suggestions, short, title="Top suggestions (requested saving: not money until nodes go)")
    sys.stdout.write("\n")
    write_table(
        stage_rows(result.board.stages),
        _STAGE_COLUMNS,
        title="Optimisation stages (node bill against pools that were not touched)",
    )
    sys.stdout.write("\n")
    write_table(result.oversell, OVERSELL_COLUMNS, title="Oversell, by node pool")
    home = session.settings.home
    sys.stdout.write(
        f"\nChargeback of last month: {result.chargeback_file}\n"
        f"Everything above comes from simulated data below {home}.\n"
        f"Boards: millicore serve --home {home}\n"
    )


def demo_document(result: DemoResult) -> dict[str, Any]:
    """Return the same for machines."""
    return {
        "figures": figure_rows(result.board.figures),
        "marks": [mark.key for mark in result.board.header.marks],
        "suggestions": [suggestion_row(stored) for stored in result.suggestions],
        "stages": stage_rows(result.board.stages),
        "oversell": list(result.oversell),
        "chargeback_file": result.chargeback_file,
    }
