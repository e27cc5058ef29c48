from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.simulated_files import write_rows

from ingest.files.lists import load_budgets, load_initiatives, load_ownership, load_prices
from models.vocabulary.errors import InputError

PRICE: dict[str, object] = {
    "instance_type": "m6i.large",
    "region": "us-east-1",
    "currency": "USD",
    "hourly_list_price": "0.096",
    "valid_from": "2026-01-01",
}
RULE: dict[str, object] = {
    "cluster": "prod",
    "namespace": "web-*",
    "team": "shop",
    "cost_centre": "CC1",
    "valid_from": "2026-01-01T00:00:00Z",
}


def test_a_price_stays_the_decimal_that_was_written(tmp_path: Path) -> None:
    price = {**PRICE, "valid_from": "2026-01-01T00:00:00Z"}
    (row,) = load_prices(write_rows(tmp_path / "prices.csv", [price]))
    assert row.hourly_list_price == Decimal("0.096")
    assert row.asset_kind == "node"
    assert row.zone is None
    assert row.valid_from == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hourly_list_price": "cheap"}, "row 1, field hourly_list_price: value 'cheap' is not a number"),
        ({"hourly_list_price": ""}, "row 1, field hourly_list_price: is empty"),
        ({"hourly_list_price": "-1"}, "row 1, field hourly_list_price"),
        ({"currency": "dollars"}, "row 1, field currency: value 'dollars'"),
        ({"valid_to": "2025-01-01T00:00:00Z"}, "valid_to"),
        ({"valid_from": "2026-01-01T00:00:00"}, "row 1, field valid_from.*has no time zone"),
    ],
)
def test_a_bad_price_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    row = {**PRICE, "valid_from": "2026-01-01T00:00:00Z", **change}
    with pytest.raises(InputError, match=message):
        load_prices(write_rows(tmp_path / "prices.csv", [row]))


def test_prices_that_overlap_are_refused_with_both_rows(tmp_path: Path) -> None:
    first = {**PRICE, "valid_from": "2026-01-01T00:00:00Z"}
    second = {**first, "valid_from": "2026-06-01T00:00:00Z"}
    with pytest.raises(InputError, match=r"row 2.*overlaps row 1"):
        load_prices(write_rows(tmp_path / "prices.csv", [first, second]))


def test_an_ownership_rule_has_the_whole_unless_it_says_otherwise(tmp_path: Path) -> None:
    (rule,) = load_ownership(write_rows(tmp_path / "ownership.csv", [RULE]))
    assert (rule.namespace, rule.team, rule.share_ratio, rule.priority) == ("web-*", "shop", Decimal(1), 0)
    assert rule.valid_to is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_ratio": "half"}, "row 1, field share_ratio: value 'half' is not a number"),
        ({"priority": "1.5"}, "row 1, field priority"),
        ({"team": ""}, "row 1, field team: is empty"),
    ],
)
def test_a_bad_rule_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_ownership(write_rows(tmp_path / "ownership.csv", [{**RULE, **change}]))


def test_budgets_carry_their_currency(tmp_path: Path) -> None:
    row = {"scope_kind": "team", "scope": "shop", "month": "2026-10", "currency": "EUR", "amount": "1200.50"}
    (budget,) = load_budgets(write_rows(tmp_path / "budgets.csv", [row]))
    assert str(budget.amount) == "1,200.50 EUR"
    with pytest.raises(InputError, match=r"row 2.*twice"):
        load_budgets(write_rows(tmp_path / "budgets.csv", [row, row]))
    with pytest.raises(InputError, match="field month: value '2026-13'"):
        load_budgets(write_rows(tmp_path / "budgets.csv", [{**row, "month": "2026-13"}]))


def test_an_initiative_ends_after_it_starts(tmp_path: Path) -> None:
    row = {"name": "stage 1", "started_at": "2026-10-14T00:00:00Z", "ended_at": "2026-10-17T00:00:00Z"}
    (stage,) = load_initiatives(write_rows(tmp_path / "initiatives.csv", [row]))
    assert (stage.name, stage.team) == ("stage 1", None)
    with pytest.raises(InputError, match=r"field ended_at.*is before started_at"):
        load_initiatives(
            write_rows(tmp_path / "initiatives.csv", [{**row, "ended_at": "2026-10-01T00:00:00Z"}])
        )
