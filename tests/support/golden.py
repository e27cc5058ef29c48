"""The golden months of tests/golden as runtimes: files in, everything allocated."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.bill_factors import update_factors
from service.usecases.bills import import_bills, import_rules
from service.usecases.exchange import import_rates
from service.usecases.ingest_files import InputFiles, ingest_files
from service.usecases.policies import set_policy

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
FINANCE = Principal("finance", frozenset({Role.FINANCE}))
MONTH = "2026-02"


def load_golden(runtime: Runtime) -> None:
    """Ingest the golden month and allocate it."""
    month = GOLDEN / "month"
    ingest_files(
        runtime,
        InputFiles(
            usage=month / "usage.csv",
            nodes=month / "nodes.csv",
            prices=month / "prices.csv",
            ownership=month / "ownership.csv",
        ),
    )
    allocate(runtime)


def golden_runtime(home: Path) -> Runtime:
    """Return a runtime with the golden month, on 20 March 2026."""
    found = Runtime.for_test(home, now=datetime(2026, 3, 20, tzinfo=UTC))
    load_golden(found)
    return found


FULL = GOLDEN / "full_month"


def full_runtime(home: Path) -> Runtime:
    """Return a runtime with the full month of tests/golden: assets, a bill, a policy and two currencies."""
    found = Runtime.for_test(
        home, now=datetime(2026, 3, 20, tzinfo=UTC), reporting_currency="EUR", bill_policy="scale"
    )
    usage = home / "usage.csv"
    _write_hours(FULL / "containers.csv", usage)
    lists = ("nodes", "prices", "ownership", "volumes", "mounts", "load_balancers")
    ingest_files(found, InputFiles(usage=usage, **{name: FULL / f"{name}.csv" for name in lists}))
    import_rules(found, FINANCE, FULL / "bill_rules.csv")
    import_bills(found, FINANCE, [FULL / "bill.csv"])
    import_rates(found, FINANCE, FULL / "rates.csv")
    set_policy(found, FINANCE, (FULL / "policy.yaml").read_text(), effective_from=MONTH)
    allocate(found)  # at list prices, which the bill is compared with
    update_factors(found, FINANCE, MONTH)
    allocate(found)
    return found


def _write_hours(containers: Path, usage: Path) -> None:
    """Write the usage of February: the same containers in every hour."""
    with containers.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with usage.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [*rows[0], "interval_start", "interval_seconds"])
        writer.writeheader()
        hour = datetime(2026, 2, 1, tzinfo=UTC)
        while hour < datetime(2026, 3, 1, tzinfo=UTC):
            start = f"{hour:%Y-%m-%dT%H:%M:%SZ}"
            writer.writerows({**row, "interval_start": start, "interval_seconds": 3600} for row in rows)
            hour += timedelta(hours=1)
