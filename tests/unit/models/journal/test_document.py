"""What a mapping may say, and how it refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest
from support.books import DOCUMENT, mapping

from models.chargeback.lines import LineKind
from models.journal.document import parse_mapping
from models.journal.mapping import Mode
from models.vocabulary.errors import InputError


def test_a_mapping_answers_by_month() -> None:
    found = mapping()
    before, after = found.cost_centre("4712", "2026-10"), found.cost_centre("4712", "2026-12")
    assert before is not None
    assert after is not None
    assert (before.mode, after.mode) == (Mode.SHOWBACK, Mode.CHARGEBACK)
    assert found.cost_centre("4712", "2025-12") is None
    assert found.cost_centre("unknown", "2026-10") is None


def test_the_first_provider_row_that_matches_counts() -> None:
    found = mapping()
    rows = [found.provider("prod-1", "aws"), found.provider("prod-1", "azure"), found.provider("x", None)]
    assert [row.account for row in rows if row] == ["1801", "1800", "1800"]


@pytest.mark.parametrize(
    ("month", "period"),
    [("2026-03", "FY2026-P12"), ("2026-04", "FY2027-P01"), ("2026-12", "FY2027-P09")],
)
def test_posting_periods_follow_the_fiscal_year(month: str, period: str) -> None:
    assert mapping().period_name(month) == period


def test_a_named_month_goes_before_the_pattern() -> None:
    assert mapping(posting_periods={"2026-10": "OKT26"}).period_name("2026-10") == "OKT26"


def test_a_reference_names_month_entity_currency_and_close() -> None:
    assert mapping().reference("2026-10", "DE01", "USD", "r1") == "MC-2026-10-DE01-USD-r1"


def test_a_kind_may_have_an_account_of_its_own() -> None:
    assert mapping().kind(LineKind.TAX).account == "6600"
    assert mapping().kind(LineKind.SUPPORT).account is None


def row(section: str, **changes: Any) -> dict[str, Any]:
    changed = {**DOCUMENT[section][0], **changes}
    return {section: [{name: value for name, value in changed.items() if value is not None}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effective_month": "October"}, "field effective_month: value 'October' is not a month"),
        ({"surprise": "1"}, "field surprise: is not a section"),
        (row("cost_centres", mode="billing"), "row 1, field cost_centres.mode: value 'billing' is neither"),
        (row("cost_centres", account=None), "row 1, field cost_centres.account: is missing"),
        (row("cost_centres", account=" "), "field cost_centres.account: value ' ' is empty"),
        (row("cost_centres", from_month="2026-10-15"), "value '2026-10-15' is not a month"),
        (row("cost_centres", colour="red"), "field colour: is not a field of cost_centres"),
        ({"cost_centres": []}, "field cost_centres: has no row"),
        ({"cost_centres": "4711"}, "field cost_centres: value '4711' is not a list of rows"),
        ({"cost_centres": [*DOCUMENT["cost_centres"], DOCUMENT["cost_centres"][0]]}, "is there twice"),
        ({"providers": []}, "field providers: has no row: costs need a clearing account"),
        ({"rounding": {"entity": "HQ"}}, "field rounding.account: is missing"),
        ({"kinds": [{"kind": "lunch", "account": "1"}]}, "value 'lunch' is not one of team, unowned"),
        ({"kinds": [{"kind": "rounding", "account": "1"}]}, "value 'rounding' is not one of"),
        ({"kinds": [{"kind": "idle"}]}, "needs an account or a cost_centre"),
        ({"kinds": [{"kind": "idle", "cost_centre": "1"}]}, "value '1' has no row in cost_centres"),
        ({"document_reference": "MC-{month}-{entity}"}, "each document balances by itself"),
        ({"document_reference": "MC-{day}"}, "knows no {day}"),
        ({"posting_period": "{entity}"}, "knows no {entity}"),
        ({"fiscal_year_start_month": "13"}, "is not a month from 1 to 12"),
        ({"posting_periods": ["2026-10"]}, "is not a list of months with names"),
        ({"accrual": {}}, "field accrual.account: is missing"),
    ],
)
def test_a_wrong_mapping_is_refused_by_section_row_field_and_value(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        parse_mapping({**DOCUMENT, **changes}, "mapping.yaml")
    assert message in str(refused.value)
    assert str(refused.value).startswith("mapping.yaml")


def test_the_first_day_of_a_month_means_the_month() -> None:
    found = parse_mapping({**DOCUMENT, **row("cost_centres", from_month="2026-10-01"), "kinds": []})
    assert found.cost_centres[0].from_month == "2026-10"
