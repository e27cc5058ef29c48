"""The golden month: files in, chargeback out, compared byte for byte with what README.md derives by hand."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
from support.golden import FINANCE, GOLDEN, golden_runtime, load_golden

from models.chargeback.lines import amount, charge_lines, split_unpriced, summarise
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from warehouse.reads.charges import ChargeReads

BY_HAND = {
    "green": "17.4",
    "red": "186.21875",
    "blue": "329.29375",
    "platform": "62.2546875",
    "unowned": "20.7515625",
    "idle": "36.06525",
    "overhead": "77.616",
}
"""The last table of README.md."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return golden_runtime(tmp_path_factory.mktemp("golden"))


def test_exact_costs_are_those_computed_by_hand(runtime):
    month = BillingMonth.read(runtime, "2026-02")
    rows = ChargeReads(runtime.warehouse.lake).sums(FINANCE, month.first, month.last)
    lines = summarise(charge_lines(split_unpriced(rows)[0]))
    assert {line.team or line.kind.value: amount(line.effective) for line in lines} == {
        name: Decimal(cost) for name, cost in BY_HAND.items()
    }
    assert sum(map(Decimal, BY_HAND.values())) == Decimal("729.6")


@pytest.mark.parametrize("name", ["summary", "detail"])
def test_the_files_are_those_expected_to_the_byte(runtime, tmp_path, name):
    written = export_chargeback(runtime, FINANCE, "2026-02", format=name, output_file=tmp_path / "out.csv")
    assert written.path.read_bytes() == (GOLDEN / "expected" / f"{name}.csv").read_bytes()


def test_the_focus_file_is_the_one_that_was_validated(runtime, tmp_path):
    written = export_chargeback(runtime, FINANCE, "2026-02", format="focus", output_file=tmp_path / "out.csv")
    expected = (GOLDEN / "expected" / "focus.csv.sha256").read_text().split()[0]
    assert hashlib.sha256(written.path.read_bytes()).hexdigest() == written.sha256 == expected


def test_node_bill_allocation_daily_costs_and_lines_are_equal(runtime):
    (check,) = verify(runtime, FINANCE, "2026-02")
    assert check.is_equal
    assert check.node_bill == check.allocated == check.daily_costs == Decimal("729.6")


def test_the_same_files_read_again_give_the_same_bytes(runtime, tmp_path):
    before = export_chargeback(runtime, FINANCE, "2026-02", format="detail", output_file=tmp_path / "a.csv")
    load_golden(runtime)
    after = export_chargeback(runtime, FINANCE, "2026-02", format="detail", output_file=tmp_path / "b.csv")
    assert before.sha256 == after.sha256
