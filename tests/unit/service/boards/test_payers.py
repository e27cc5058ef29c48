from __future__ import annotations

from decimal import Decimal

import pytest

from models.chargeback.policy import Policy
from service.boards.payers import PayerTable, build_payers
from service.usecases.policies import MonthPolicy
from service.usecases.statement import StatementRow

DEFAULT = MonthPolicy(0, None, "", Policy())
AMOUNT_FIELDS = (
    "direct",
    "idle",
    "overhead",
    "idle_share",
    "overhead_share",
    "shared_in",
    "shared_out",
    "oversell_gain",
    "bill_items",
    "disputes",
    "corrections",
    "rounding",
)


def payer(name: str, cluster: str = "c1", **amounts: str) -> StatementRow:
    terms = {field: Decimal(value) for field, value in amounts.items()}
    return StatementRow(cluster, "USD", name, team=name, total=sum(terms.values(), Decimal(0)), **terms)


def table(*rows: StatementRow) -> PayerTable:
    return build_payers(rows, DEFAULT, ())


ROWS = (
    payer("red", direct="100.00", idle_share="12.50", shared_in="3.10", bill_items="-0.60"),
    payer("blue", direct="200.00", shared_in="1.00", shared_out="-201.00"),
    payer("(idle)", idle="40.00", idle_share="-12.50"),
    payer("(rounding)", rounding="0.01"),
)


def test_the_terms_of_every_payer_add_up_to_its_total() -> None:
    for row in table(*ROWS).rows:
        assert sum(row.terms) == row.total


def test_the_last_row_is_the_sum_of_all_payers_column_by_column() -> None:
    *payers, whole = table(*ROWS).rows
    assert whole.total == sum(row.total for row in ROWS) == Decimal("142.51")
    for index, total in enumerate(whole.terms):
        assert total == sum(row.terms[index] for row in payers)


def test_a_column_in_which_all_is_0_is_left_out() -> None:
    assert table(*ROWS).columns == ("Own", "Idle share", "Shared services", "Bill items", "Rounding")
    assert table(payer("red", direct="1")).columns == ("Own",)


@pytest.mark.parametrize("field", AMOUNT_FIELDS)
def test_no_amount_of_a_statement_is_in_no_column(field: str) -> None:
    found = table(payer("red", **{field: "7"}))
    assert [row.terms for row in found.rows] == [(Decimal(7),), (Decimal(7),)]


def test_the_dearest_payer_stands_first_and_what_nobody_owns_after_all_teams() -> None:
    rows = table(payer("red", direct="1"), payer("(idle)", idle="9"), payer("blue", direct="2")).rows
    assert [row.payer for row in rows[:-1]] == ["blue", "red", "(idle)"]


def test_nothing_to_pay_is_an_empty_table() -> None:
    assert table().rows == ()


def test_the_policy_is_named() -> None:
    stored = MonthPolicy(3, "2026-10", "abcdef0123456789", Policy())
    assert build_payers((), stored, ("2.00 USD stays",)).policy_text == (
        "Cost is shared by policy 3 from 2026-10 (abcdef012345)."
    )
    assert build_payers((), stored, ("2.00 USD stays",)).notes == ("2.00 USD stays",)
    assert table().policy_text.startswith("No policy moves cost")
