"""Requested, bankable, verified and realised savings mean different things: nothing may add them."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

import service
from service.boards.leadership_facts import LeadershipFacts, SavingFacts
from service.boards.leadership_views import build_figures
from service.boards.periods import choose_period

KINDS = ("requested", "bankable", "verified", "realised")
ROOT = Path(service.__file__).parent.parent
FILES = sorted(
    file for room in ("service", "dashboards", "recommender") for file in (ROOT / room).rglob("*.py")
)


def kinds_in(node: ast.AST) -> set[str]:
    text = ast.unparse(node).lower()
    return {kind for kind in KINDS if kind in text and "saving" in text}


def additions(tree: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
    found = [
        (node.left, node.right)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    ]
    found += [
        (node.target, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub))
    ]
    return found


def mixes(tree: ast.AST) -> bool:
    return any(
        len(kinds_in(left) | kinds_in(right)) > 1 and kinds_in(left) != kinds_in(right)
        for left, right in additions(tree)
    )


def test_the_search_would_find_a_sum() -> None:
    assert mixes(ast.parse("total = row.requested_saving_per_month + pool.bankable_saving_per_month"))
    assert mixes(ast.parse("realised_saving += bankable_saving"))
    assert not mixes(ast.parse("total = one.requested_saving + other.requested_saving"))


def test_no_code_adds_two_kinds_of_saving() -> None:
    assert len(FILES) > 100
    wrong = [str(file.relative_to(ROOT)) for file in FILES if mixes(ast.parse(file.read_text("utf-8")))]
    assert wrong == []


@pytest.fixture
def figures() -> str:
    today = date(2026, 11, 20)
    final = {today - timedelta(days=n): True for n in range(20)}
    facts = LeadershipFacts(
        currency="EUR",
        currency_count=1,
        period=choose_period(None, final, today),
        final_days=final,
        by_day=(),
        by_day_before=(),
        owners=(),
        owners_paired=(),
        owners_before=(),
        team_days=(),
        forecast=None,
        budget_of_month=None,
        savings=SavingFacts(Decimal(11_000), Decimal(23_000), Decimal(47_000)),
        stages=(),
        is_simulated=False,
        age=None,
    )
    return " ".join(f"{one.value} {one.note} {one.detail} {one.explanation}" for one in build_figures(facts))


def test_the_cost_board_shows_each_kind_and_no_sum_of_them(figures: str) -> None:
    amounts = (11_000, 23_000, 47_000)
    assert all(f"{amount:,}" in figures for amount in amounts)
    for count in (2, 3):
        for chosen in combinations(amounts, count):
            assert f"{sum(chosen):,}" not in figures
