from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.closing import FINANCE, MONTH, NEXT, NODES, closable_runtime, october, store_hours
from support.fleet import Pod

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict, Forbidden, LakeInconsistent, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import FORMATS, export_chargeback
from service.usecases.chargeback_periods import list_periods, preview
from service.usecases.period_close import (
    CloseOptions,
    CloseRefused,
    check_close,
    close_period,
    reopen_period,
)
from service.usecases.period_correct import correct_period, let_late_hours_in
from warehouse.database.periods import PeriodState

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DEARER = PriceRow("m5.xlarge", "USD", Decimal("0.3"), LONG_AGO)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return closable_runtime(tmp_path / "home")


def exported(runtime: Runtime, folder: Path, month: str = MONTH) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    for name in FORMATS:
        export_chargeback(runtime, FINANCE, month, format=name, output_file=folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rows_of(runtime: Runtime, folder: Path, month: str, name: str = "detail") -> list[dict[str, str]]:
    path = folder / f"{month}-{name}.csv"
    export_chargeback(runtime, FINANCE, month, format=name, output_file=path)
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def total(rows: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["EffectiveCost"]) for row in rows), Decimal(0))


def test_a_closed_month_keeps_the_draft_s_money_under_a_name_of_its_own(runtime, tmp_path):
    draft = rows_of(runtime, tmp_path, MONTH, "focus")
    outcome = close_period(runtime, FINANCE, MONTH, CloseOptions("agreed"))
    assert outcome.closed is not None
    assert outcome.closed.revision == 1
    files = exported(runtime, tmp_path / "out")
    assert {name for name in files if name.endswith(".csv")} == {
        f"chargeback_{MONTH}_{name}_r1_millicore.csv" for name in FORMATS
    }
    closed = rows_of(runtime, tmp_path, MONTH, "focus")
    changed = ("InvoiceId", "x_PeriodState", "x_RunId")
    strip = [{key: value for key, value in row.items() if key not in changed} for row in draft]
    assert [{key: value for key, value in row.items() if key not in changed} for row in closed] == strip
    assert {row["InvoiceId"] for row in closed} == {f"{MONTH}-r1"}
    assert {row["x_PeriodState"] for row in closed} == {"closed-r1"}
    manifest = json.loads(files[f"chargeback_{MONTH}_summary_r1_millicore.csv.manifest.json"])
    assert manifest["is_draft"] is False
    assert manifest["closing"]["note"] == "agreed"
    assert manifest["closing"]["prepared_by"] == manifest["closing"]["approved_by"] == "finance"
    assert manifest["closing"]["is_single_person"] is True
    assert manifest["closing"]["manifest_sha256"] == outcome.closed.manifest_hash


def test_re_export_has_the_same_bytes_whatever_changes_afterwards(runtime, tmp_path):
    close_period(runtime, FINANCE, MONTH)
    before = exported(runtime, tmp_path / "before")
    shown = preview(runtime, FINANCE, MONTH), list_periods(runtime, FINANCE)[0]
    runtime.warehouse.prices.replace([DEARER])
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "other", LONG_AGO, cost_centre="9")])
    runtime.warehouse.clusters.register("c1", "aws", "mars")
    allocate(runtime)
    lake = runtime.warehouse.lake
    for table in ("cost_day", "asset_price_hour", "allocation_hour"):
        lake.compact(table, "c1", date(2026, 10, 5))
        lake.vacuum(table, retention_hours=48)
    assert exported(runtime, tmp_path / "after") == before
    assert (preview(runtime, FINANCE, MONTH), list_periods(runtime, FINANCE)[0]) == shown
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))


def test_a_refused_close_lists_everything_that_must_be_fixed(tmp_path):
    early = closable_runtime(tmp_path / "early", hours=700, now=datetime(2026, 11, 1, 3, tzinfo=UTC))
    with pytest.raises(CloseRefused) as refusal:
        close_period(early, FINANCE, MONTH)
    listed = "\n".join(refusal.value.problems)
    assert "may be closed from 2026-11-02 00:00Z" in listed
    assert "c1: 44 of 744 hours are not stored (2026-10-30T04:00Z,2026-11-01T00:00Z)" in listed
    assert "94.09% of the hours are complete, 99.00% must be" in listed
    assert early.warehouse.periods.get(MONTH) is None
    assert early.warehouse.periods.billing_zone() is None


def test_assumed_and_missing_prices_and_an_unfinished_month_block(tmp_path):
    running = closable_runtime(tmp_path / "home", now=datetime(2026, 10, 20, tzinfo=UTC))
    running.warehouse.prices.replace([])
    allocate(running)
    listed = "\n".join(check_close(running, FINANCE, MONTH))
    assert "2026-10 is not over" in listed
    assert "USD rest on assumed prices" in listed
    strict = replace(running, settings=running.settings.model_copy(update={"prices_mode": "strict"}))
    unpriced = r"c1: 1,488 container-hours, node m5.xlarge in eu-1 \(1,488 hours\) without a cost"
    with pytest.raises(CloseRefused, match=unpriced):
        close_period(strict, FINANCE, MONTH)


def test_a_gap_is_accepted_only_with_a_reason_and_stands_in_the_manifest(tmp_path):
    runtime = closable_runtime(tmp_path / "home", hours=700)
    with pytest.raises(UsageError, match="--note"):
        close_period(runtime, FINANCE, MONTH, CloseOptions(is_missing_accepted=True))
    close_period(runtime, FINANCE, MONTH, CloseOptions("scraper was down", is_missing_accepted=True))
    month = BillingMonth.read(runtime, MONTH)
    assert month.frozen is not None
    (gap,) = month.frozen.manifest["accepted_hours"]
    assert (gap["state"], gap["hour_count"]) == ("missing", 44)


def test_only_finance_and_admin_close_correct_and_reopen(runtime):
    for role in (Role.LEADERSHIP, Role.PLATFORM, Role.OWNER):
        other = Principal("x", frozenset({role}), frozenset({"red"}))
        for act in (
            lambda who: close_period(runtime, who, MONTH),
            lambda who: correct_period(runtime, who, MONTH),
            lambda who: reopen_period(runtime, who, MONTH, "why"),
            lambda who: let_late_hours_in(runtime, who, october(0, 1)),
        ):
            with pytest.raises(Forbidden):
                act(other)


def test_with_identities_a_second_person_approves_what_the_first_prepared(runtime):
    runtime.warehouse.access.issue_token("bot", description="export", at=runtime.now())
    second = Principal("second", frozenset({Role.FINANCE}))
    assert close_period(runtime, FINANCE, MONTH).closed is None
    assert close_period(runtime, FINANCE, MONTH).closed is None
    runtime.warehouse.prices.replace([DEARER])
    assert close_period(runtime, second, MONTH).closed is None  # other figures than those prepared
    closed = close_period(runtime, FINANCE, MONTH).closed
    assert closed is not None
    assert (closed.prepared_by, closed.principal) == ("second", "finance")
    month = BillingMonth.read(runtime, MONTH)
    assert month.frozen is not None
    assert month.frozen.manifest["is_single_person"] is False


def test_the_billing_zone_is_fixed_at_the_first_close(runtime):
    close_period(runtime, FINANCE, MONTH)
    assert str(runtime.warehouse.periods.billing_zone()) == "UTC"
    with pytest.raises(Conflict, match="billing zone is fixed to UTC"):
        runtime.warehouse.periods.set_billing_zone("Europe/Berlin")


def test_a_second_close_is_refused_and_the_list_names_the_first(runtime):
    closed = close_period(runtime, FINANCE, MONTH).closed
    with pytest.raises(Conflict, match="closed already, as revision 1 by finance"):
        close_period(runtime, FINANCE, MONTH)
    row = list_periods(runtime, FINANCE)[0]
    assert closed is not None
    assert (row.state, row.revision, row.closed_by) == ("closed", 1, "finance")
    assert (row.closed_at, row.manifest_sha256) == (runtime.now(), closed.manifest_hash)


@pytest.mark.parametrize("harm", ["change", "remove", "add", "manifest"])
def test_verify_reports_closed_files_that_are_not_those_closed(runtime, harm):
    closed = close_period(runtime, FINANCE, MONTH).closed
    assert closed is not None
    folder = Path(runtime.warehouse.lake.root.path) / closed.folder
    target = folder / ("manifest.json" if harm == "manifest" else "cost_day.parquet")
    if harm == "remove":
        target.unlink()
    elif harm == "add":
        (folder / "extra.parquet").write_bytes(b"x")
    else:
        target.chmod(0o644)
        target.write_bytes(target.read_bytes() + b" ")
    with pytest.raises(LakeInconsistent, match=r"closed/2026-10/1/\S+ (was changed|is gone|was added)"):
        verify(runtime, FINANCE, MONTH)


def test_a_price_change_becomes_lines_of_the_next_open_month(runtime, tmp_path):
    store_hours(runtime, datetime(2026, 11, 1, tzinfo=UTC), 48)
    allocate(runtime)
    close_period(runtime, FINANCE, MONTH)
    bill = total(rows_of(runtime, tmp_path, MONTH))
    runtime.warehouse.prices.replace([DEARER])
    posted = correct_period(runtime, FINANCE, MONTH, "supplier's letter").posted
    assert posted is not None
    assert posted.posted_in == NEXT
    expected = 744 * 2 * (Decimal("0.3") - Decimal("0.233"))
    assert Decimal(posted.totals[0]["effective_cost"]) == expected
    for name in FORMATS:
        rows = rows_of(runtime, tmp_path, NEXT, name)
        corrections = [row for row in rows if row["ChargeClass"] == "Correction"]
        assert {row["x_RestatesInvoiceId"] for row in corrections} == {f"{MONTH}-r1"}
        assert total(corrections) == round(expected, 2)
        assert {row["BillingPeriodStart"] for row in corrections} == {"2026-11-01T00:00:00Z"}
        assert total(rows) == round(48 * 2 * Decimal("0.233"), 2) + round(expected, 2)
        for check in verify(runtime, FINANCE, NEXT, file=tmp_path / f"{NEXT}-{name}.csv"):
            assert check.is_equal
            assert check.corrections == round(expected, 2)
    focus = [
        row
        for row in rows_of(runtime, tmp_path, NEXT, "focus")
        if row["x_CorrectionId"] and row["x_LineKind"] != "rounding"
    ]
    assert {row["InvoiceId"] for row in focus} == {f"{NEXT}-DRAFT"}
    assert all(row["ChargePeriodStart"].startswith(MONTH) for row in focus)
    assert total(rows_of(runtime, tmp_path, MONTH)) == bill
    listed = {row.period: row for row in list_periods(runtime, FINANCE)}
    assert listed[NEXT].correction_cost == round(expected, 2)


def test_correcting_twice_adds_nothing_and_a_reversal_takes_all_back(runtime):
    close_period(runtime, FINANCE, MONTH)
    assert correct_period(runtime, FINANCE, MONTH).posted is None
    original = runtime.warehouse.prices.all()
    runtime.warehouse.prices.replace([DEARER])
    first = correct_period(runtime, FINANCE, MONTH).posted
    assert correct_period(runtime, FINANCE, MONTH).posted is None
    runtime.warehouse.prices.replace(original)
    second = correct_period(runtime, FINANCE, MONTH).posted
    assert first is not None
    assert second is not None
    sums = [Decimal(one.totals[0]["effective_cost"]) for one in (first, second)]
    assert sums[0] == -sums[1] != 0
    assert second.sequence == 2


def test_a_change_of_owner_moves_money_between_payers_and_adds_none(runtime, tmp_path):
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "other", LONG_AGO, cost_centre="9")])
    posted = correct_period(runtime, FINANCE, MONTH).posted
    assert posted is not None
    assert Decimal(posted.totals[0]["effective_cost"]) == 0
    rows = rows_of(runtime, tmp_path, NEXT, "summary")
    amounts = {row["SubAccountId"]: Decimal(row["EffectiveCost"]) for row in rows}
    assert amounts["team:other"] == -amounts["team:red"] > 0


def test_late_hours_enter_a_closed_month_only_for_a_correction(tmp_path):
    runtime = closable_runtime(tmp_path / "home", hours=740)
    close_period(runtime, FINANCE, MONTH, CloseOptions("gap", is_missing_accepted=True))
    before = exported(runtime, tmp_path / "before")
    start = datetime(2026, 10, 31, 20, tzinfo=UTC)
    with pytest.raises(Conflict, match="ingest repair --window"):
        store_hours(runtime, start, 4)
    assert let_late_hours_in(runtime, FINANCE, HourWindow.of_hour(start)) == (MONTH,)
    store_hours(runtime, start, 4)
    assert exported(runtime, tmp_path / "while") == before
    posted = correct_period(runtime, FINANCE, MONTH, "late hours").posted
    assert posted is not None
    assert Decimal(posted.totals[0]["effective_cost"]) == 4 * 2 * Decimal("0.233")
    recorded = runtime.warehouse.periods.get(MONTH)
    assert recorded is not None
    assert recorded.state is PeriodState.CLOSED
    with pytest.raises(Conflict):
        store_hours(runtime, start, 4)
    assert exported(runtime, tmp_path / "after") == before


def test_a_month_let_open_for_late_hours_closes_again_when_none_came(runtime):
    close_period(runtime, FINANCE, MONTH)
    let_late_hours_in(runtime, FINANCE, october(0, 1))
    assert correct_period(runtime, FINANCE, MONTH).posted is None
    with pytest.raises(Conflict):
        store_hours(runtime, datetime(2026, 10, 1, tzinfo=UTC), 1)


def test_a_correction_cannot_rest_on_assumed_prices(runtime):
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([])
    with pytest.raises(CloseRefused, match="assumed prices"):
        correct_period(runtime, FINANCE, MONTH)


def test_corrections_are_part_of_the_closed_month_that_takes_them(tmp_path):
    runtime = closable_runtime(tmp_path / "home", now=datetime(2026, 12, 5, tzinfo=UTC))
    store_hours(runtime, datetime(2026, 11, 1, tzinfo=UTC), 720)
    allocate(runtime)
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([DEARER])
    correct_period(runtime, FINANCE, MONTH)
    close_period(runtime, FINANCE, NEXT)
    before = exported(runtime, tmp_path / "before", NEXT)
    (check,) = verify(runtime, FINANCE, NEXT)
    assert check.is_equal
    assert check.corrections > 0
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.5"), LONG_AGO)])
    posted = correct_period(runtime, FINANCE, MONTH).posted
    assert posted is not None
    assert posted.posted_in == "2026-12"
    assert exported(runtime, tmp_path / "after", NEXT) == before


def test_a_reopened_month_closes_as_the_next_revision_and_keeps_the_first(runtime, tmp_path):
    first = close_period(runtime, FINANCE, MONTH).closed
    before = exported(runtime, tmp_path / "one")
    with pytest.raises(UsageError, match="--reason"):
        reopen_period(runtime, FINANCE, MONTH, " ")
    reopen_period(runtime, FINANCE, MONTH, "wrong price list")
    assert list_periods(runtime, FINANCE)[0].state == "open"
    runtime.warehouse.prices.replace([DEARER])
    second = close_period(runtime, FINANCE, MONTH).closed
    assert first is not None
    assert second is not None
    assert second.revision == 2
    root = Path(runtime.warehouse.lake.root.path)
    assert (root / first.folder / "manifest.json").exists()
    after = exported(runtime, tmp_path / "two")
    assert not set(before) & set(after)
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))
    actions = [entry.action for entry in runtime.warehouse.audit.list(FINANCE)]
    assert actions == ["close period", "reopen period", "close period"]
    entry = runtime.warehouse.audit.list(FINANCE)[1]
    assert entry.detail == {"reason": "wrong price list"}


def test_a_corrected_month_is_not_reopened(runtime):
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([DEARER])
    correct_period(runtime, FINANCE, MONTH)
    with pytest.raises(Conflict, match="corrections of it are charged in 2026-11"):
        reopen_period(runtime, FINANCE, MONTH, "why")


def test_owners_see_only_their_teams_in_closed_months(runtime):
    close_period(runtime, FINANCE, MONTH)
    owner = Principal("o", frozenset({Role.OWNER}), frozenset({"red"}))
    assert {line.team for line in preview(runtime, owner, MONTH).lines} == {"red"}
    everything = list_periods(runtime, FINANCE)[0].total_cost
    assert 0 < list_periods(runtime, owner)[0].total_cost < everything


def test_months_and_corrections_of_several_clusters_add_up(runtime, tmp_path):
    pods = [Pod("web", "n1", (1, 4), (0.37, 3)), Pod("x", "n2", (1, 1), (1, 1), namespace="pay")]
    for cluster in ("c2", "c3"):
        store_hours(runtime, datetime(2026, 10, 1, tzinfo=UTC), 744, cluster=cluster, nodes=NODES, pods=pods)
    allocate(runtime)
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233007"), LONG_AGO)])
    correct_period(runtime, FINANCE, MONTH)
    for name in FORMATS:
        rows_of(runtime, tmp_path, NEXT, name)
        checks = verify(runtime, FINANCE, NEXT, file=tmp_path / f"{NEXT}-{name}.csv")
        assert len(checks) == 4
        assert all(check.is_equal for check in checks)
