"""The statement and the disputes on the chargeback board, of a month with a policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from support.closing import FINANCE, MONTH, closable_runtime

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal, Role
from service.boards.chargeback import ChargebackBoard, read_chargeback
from service.boards.disputing import read_disputes
from service.boards.formats import Tone
from service.boards.payers import read_payers
from service.runtime import Runtime
from service.usecases.disputes import Claim, open_dispute, withdraw_dispute
from service.usecases.policies import set_policy

RED = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))
PAYMENTS = Principal("pat", frozenset({Role.OWNER}), frozenset({"payments"}))
POLICY = "{idle: {to: share, scope: node, key: proportional}, shared: [{team: payments}]}"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Return a runtime whose open October shares idle and a team's cost."""
    found = closable_runtime(tmp_path_factory.mktemp("statement"))
    set_policy(found, FINANCE, POLICY, effective_from=MONTH)
    yield found
    found.warehouse.close()


@pytest.fixture(scope="module")
def board(runtime: Runtime) -> ChargebackBoard:
    """Return the board as finance sees it."""
    return read_chargeback(runtime, FINANCE, MONTH)


def test_the_payers_add_up_to_the_file_and_to_the_list_of_months(board: ChargebackBoard) -> None:
    assert board.payers is not None
    *payers, whole = board.payers.rows
    assert whole.total == sum(row.total for row in payers) == board.total == board.months[0].total
    assert all(sum(row.terms) == row.total for row in board.payers.rows)
    assert board.payers.columns == ("Own", "Idle share", "Shared services")


def test_the_board_shows_the_statement_as_it_is_by_itself(runtime: Runtime, board: ChargebackBoard) -> None:
    assert board.payers == read_payers(runtime, FINANCE, MONTH, "USD")


def test_an_owner_sees_its_own_row_with_the_figures_of_everybody(
    runtime: Runtime, board: ChargebackBoard
) -> None:
    assert board.payers is not None
    mine = read_payers(runtime, RED, MONTH, "USD")
    (seen_by_all,) = (row for row in board.payers.rows if row.payer == "red")
    row, whole = mine.rows
    assert row.payer == "red"
    assert row.total == whole.total == seen_by_all.total
    shown = read_chargeback(runtime, RED, MONTH)
    assert shown.payers == mine
    assert shown.total == shown.months[0].total == row.total


def test_who_may_see_no_cost_gets_no_statement(runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        read_payers(runtime, Principal("nobody"), MONTH, "USD")


def test_disputes_that_wait_stand_first_the_overdue_ones_before_all(runtime: Runtime) -> None:
    now = runtime.now()
    asked = (("done", 50), ("soon", 5), ("late", 40))
    for reason, days in asked:
        then = runtime.at(now - timedelta(days=days))
        open_dispute(then, RED, Claim(MONTH, "red", reason, Decimal("1.00")))
    withdraw_dispute(runtime, RED, "D-0001")
    found = read_disputes(runtime, RED, MONTH)
    assert [(row.key, row.tone) for row in found] == [
        ("D-0003", Tone.BAD),
        ("D-0002", Tone.WARNING),
        ("D-0001", Tone.NEUTRAL),
    ]
    late, soon, done = found
    assert late.when == f"overdue since {now - timedelta(days=10):%-d %b %Y}"
    assert soon.when == f"answer due {now + timedelta(days=25):%-d %b %Y}"
    assert done.when == ""
    assert late.text == "D-0003 red: 1.00 USD, open"
    assert read_disputes(runtime, PAYMENTS, MONTH) == ()
    assert read_disputes(runtime, RED, "2026-11") == ()
