"""The bill of a simulated cluster beside its allocation: all of the gap is known, down to the cent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from support.closing import FINANCE

from ingest.simulated.write import SimulationOptions, write_simulation
from models.chargeback.lines import amount
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.bill_report import bucket_rows, line_rows
from service.usecases.billing_months import BillingMonth
from service.usecases.bills import import_bills
from service.usecases.ingest_files import InputFiles, ingest_files
from service.usecases.reconciliation import OK, reconcile
from service.usecases.statement_lines import exact_lines

MONTH = "2026-11"
CENT = Decimal("0.01")


def test_only_snapshots_stand_between_bill_and_allocation(tmp_path: Path) -> None:
    written = write_simulation("fortnight", tmp_path / "files", seed=7, options=SimulationOptions(days=2))
    runtime = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    assert written.bill_file is not None
    files = InputFiles(
        usage=tmp_path / "files" / "usage",
        nodes=written.node_file,
        prices=written.price_file,
        volumes=written.volume_file,
        mounts=written.mount_file,
        load_balancers=written.load_balancer_file,
        network=written.network_file,
    )
    ingest_files(runtime, files)
    allocate(runtime)
    import_bills(runtime, FINANCE, [written.bill_file])

    (found,) = reconcile(runtime, FINANCE, MONTH)
    in_cluster = line_rows(runtime, FINANCE, MONTH, bucket="cluster", limit=1000)
    snapshots = sum(row["effective_cost"] for row in in_cluster if row["resource_id"] == "snap-fortnight")
    assert snapshots > 0
    assert abs(found.causes["assets_not_priced"] - snapshots) < CENT
    assert all(abs(part) < CENT for cause, part in found.causes.items() if cause != "assets_not_priced")
    assert found.state == OK

    joined = {row["asset_kind"] for row in in_cluster if row["reason"] == "resource"}
    assert joined == {"node", "volume", "load_balancer"}
    buckets = {row["bucket"]: row["effective_cost"] for row in bucket_rows(runtime, FINANCE, MONTH)}
    charged = sum(line.effective for line in exact_lines(runtime, BillingMonth.read(runtime, MONTH))[0])
    assert abs(amount(charged) - (buckets["total"] - buckets["out_of_scope"])) <= Decimal("1e-9")
