from __future__ import annotations

from pathlib import Path

from support.closing import FINANCE, LONG_AGO, MONTH, NEXT, closable_runtime

from models.ownership.rules import OwnershipRow
from models.vocabulary.identity import Principal, Role
from service.boards.chargeback import read_chargeback
from service.boards.closing import close_month, list_problems, read_closing
from service.usecases.period_correct import correct_period


def test_finance_closes_on_the_board_and_sees_corrections_apart(tmp_path: Path) -> None:
    runtime = closable_runtime(tmp_path / "home")
    reader = Principal("boss", frozenset({Role.LEADERSHIP}))
    assert read_closing(runtime, FINANCE, MONTH).may_close
    assert not read_closing(runtime, reader, MONTH).may_close
    assert list_problems(runtime, FINANCE, MONTH) == ()
    done = close_month(runtime, FINANCE, MONTH, " agreed ")
    assert (done.is_done, done.text) == (True, "2026-10 is closed as revision 1.")
    again = close_month(runtime, FINANCE, MONTH, "")
    assert not again.is_done
    card = read_closing(runtime, FINANCE, MONTH)
    assert card.text.startswith("Closed as revision 1 by finance, 2026-11-20 00:00Z; manifest ")
    assert not card.may_close
    board = read_chargeback(runtime, FINANCE, MONTH)
    assert board.months[0].state == "closed r1"
    assert board.months[0].closed.startswith("finance, 2026-11-20, ")
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "other", LONG_AGO)])
    correct_period(runtime, FINANCE, MONTH)
    following = read_chargeback(runtime, FINANCE, NEXT)
    assert {line.kind for line in following.lines} == {"correction of 2026-10-r1: direct"}
    refused = close_month(runtime, FINANCE, NEXT, "")
    assert any("2026-11 is not over" in problem for problem in refused.problems)
