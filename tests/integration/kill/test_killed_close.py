"""A close or correction that is killed at any step leaves the month as it was, or done; never in between."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support import kill_closer
from support.books import DOCUMENT
from support.closing import FINANCE, LONG_AGO, MONTH, NEXT, closable_runtime

from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict
from service.runtime import Runtime
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from service.usecases.journal import export_journal
from service.usecases.period_close import close_period
from service.usecases.period_correct import correct_period
from warehouse.database.audit import AuditNote
from warehouse.database.plans import ExchangeRate

pytestmark = pytest.mark.kill


def kill_at(home: Path, act: str, step: str) -> None:
    command = [sys.executable, kill_closer.__file__, str(home), act, step]
    done = subprocess.run(command, check=False, timeout=120, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("open") / "home"
    runtime = closable_runtime(home)
    runtime.warehouse.exchange_rates.save(
        [ExchangeRate("USD", "EUR", date(2026, 10, 30), Decimal("0.9"), "ECB")]
    )
    note = AuditNote(FINANCE.id, "import journal mapping", "mapping.yaml", runtime.now(), {})
    runtime.warehouse.journal_mappings.add("2026-01", DOCUMENT, "mapping.yaml", note)
    runtime.warehouse.close()
    return home


@pytest.fixture(scope="module")
def closed_home(open_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("closed") / "home"
    shutil.copytree(open_home, home)
    runtime = reopen(home)
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.3"), LONG_AGO)])
    runtime.warehouse.close()
    return home


def reopen(home: Path) -> Runtime:
    return Runtime.for_test(home, now=datetime(2026, 11, 20, tzinfo=UTC), reporting_currency="EUR")


def exported(runtime: Runtime, folder: Path, month: str) -> bytes:
    return export_chargeback(runtime, FINANCE, month, format="detail", output_file=folder).path.read_bytes()


def journal(runtime: Runtime, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    return export_journal(runtime, FINANCE, MONTH, output_file=folder).path.read_bytes()


@pytest.fixture(scope="module")
def whole_journal(closed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The journal of a close that nothing interrupted."""
    runtime = reopen(closed_home)
    found = journal(runtime, tmp_path_factory.mktemp("journal"))
    runtime.warehouse.close()
    return found


@pytest.mark.parametrize("step", kill_closer.CLOSE_STEPS)
def test_a_killed_close_left_the_month_open_or_closed(
    open_home: Path, whole_journal: bytes, tmp_path: Path, step: str
) -> None:
    home = tmp_path / "home"
    shutil.copytree(open_home, home)
    kill_at(home, "close", step)
    runtime = reopen(home)
    recorded = runtime.warehouse.periods.get(MONTH)
    assert (recorded is not None) == (step == "recorded")
    if recorded is None:
        close_period(runtime, FINANCE, MONTH)
    with pytest.raises(Conflict, match="closed already"):
        close_period(runtime, FINANCE, MONTH)
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))
    assert len(runtime.warehouse.periods.list()) == 1
    closed = runtime.warehouse.periods.get(MONTH)
    assert closed is not None
    text = (home / "lake" / closed.folder / "manifest.json").read_text()
    assert json.loads(text)["revision"] == 1
    assert exported(runtime, tmp_path, MONTH).count(b"closed-r1") > 0
    runtime.warehouse.exchange_rates.save(
        [ExchangeRate("USD", "EUR", date(2026, 10, 31), Decimal("0.5"), "late")]
    )
    assert journal(runtime, tmp_path / "journal") == whole_journal
    runtime.warehouse.close()


@pytest.mark.parametrize("step", kill_closer.CORRECT_STEPS)
def test_a_killed_correction_is_posted_once(closed_home: Path, tmp_path: Path, step: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(closed_home, home)
    kill_at(home, "correct", step)
    runtime = reopen(home)
    posted = runtime.warehouse.periods.corrections_of(MONTH)
    assert len(posted) == (1 if step == "recorded" else 0)
    outcome = correct_period(runtime, FINANCE, MONTH, "late")
    assert (outcome.posted is None) == (step == "recorded")
    (correction,) = runtime.warehouse.periods.corrections_of(MONTH)
    assert Decimal(correction.totals[0]["effective_cost"]) == 744 * 2 * Decimal("0.067")
    assert correct_period(runtime, FINANCE, MONTH).posted is None
    assert all(check.is_equal for check in verify(runtime, FINANCE, NEXT))
    runtime.warehouse.close()
