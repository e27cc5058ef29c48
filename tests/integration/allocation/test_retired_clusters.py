"""A cluster that was shut down is expected until its last hour, and stands against no later close."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.closing import FINANCE, MONTH, closable_runtime, store_hours

from models.vocabulary.errors import Conflict, Forbidden, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth, month_coverage
from service.usecases.cluster_life import retire_cluster
from service.usecases.period_close import CloseRefused, check_close, close_period

GONE = datetime(2026, 10, 3, 4, 30, tzinfo=UTC)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a whole October of c1; ``old`` ended in July, ``test`` on 3 October after 53 hours."""
    found = closable_runtime(tmp_path / "home")
    store_hours(found, datetime(2026, 7, 1, tzinfo=UTC), 3, cluster="old")
    store_hours(found, datetime(2026, 10, 1, tzinfo=UTC), 53, cluster="test")
    return found


def expected(runtime: Runtime) -> dict[str, tuple[int, int]]:
    month = BillingMonth.read(runtime, MONTH)
    return {one.cluster: (one.hours_expected, one.hours_complete) for one in month_coverage(runtime, month)}


def test_a_cluster_that_nobody_declared_gone_is_missed(runtime: Runtime) -> None:
    assert expected(runtime) == {"c1": (744, 744), "old": (744, 0), "test": (744, 53)}
    with pytest.raises(
        CloseRefused, match=r"old: 744 of 744 hours .* `ingest retire` that the cluster is gone"
    ):
        close_period(runtime, FINANCE, MONTH)


def test_a_retired_cluster_is_expected_until_its_last_hour_and_no_gap_of_another_is_accepted(
    runtime: Runtime,
) -> None:
    retire_cluster(runtime, FINANCE, "old", datetime(2026, 7, 1, 3, tzinfo=UTC), "moved")
    assert retire_cluster(runtime, FINANCE, "test", GONE, "moved") == datetime(2026, 10, 3, 5, tzinfo=UTC)
    assert expected(runtime) == {"c1": (744, 744), "test": (53, 53)}
    store_hours(runtime, datetime(2026, 9, 30, 20, tzinfo=UTC), 2, cluster="thin")
    problems = check_close(runtime, FINANCE, MONTH)
    assert {problem.partition(":")[0] for problem in problems} == {"thin"}
    retire_cluster(runtime, FINANCE, "thin", datetime(2026, 10, 1, 2, tzinfo=UTC), "moved")
    first, second = check_close(runtime, FINANCE, MONTH)
    assert first.startswith("thin: 2 of 2 hours are not stored")
    assert second.startswith("thin: 0.00% of the hours are complete")
    retire_cluster(runtime, FINANCE, "thin", datetime(2026, 9, 30, 22, tzinfo=UTC), "it was gone before")
    assert close_period(runtime, FINANCE, MONTH).closed is not None
    frozen = BillingMonth.read(runtime, MONTH).frozen
    assert frozen is not None
    assert frozen.manifest["accepted_hours"] == []
    assert expected(runtime) == {"c1": (744, 744), "test": (53, 53)}


def test_a_retired_cluster_with_newer_hours_lives_again(runtime: Runtime) -> None:
    retire_cluster(runtime, FINANCE, "test", GONE, "moved")
    store_hours(runtime, datetime(2026, 10, 4, tzinfo=UTC), 1, cluster="test")
    assert expected(runtime)["test"] == (744, 54)


def test_a_retirement_that_cannot_be_is_refused(runtime: Runtime) -> None:
    with pytest.raises(Conflict, match="test has hours until 2026-10-03 05:00Z"):
        retire_cluster(runtime, FINANCE, "test", datetime(2026, 10, 3, 4, tzinfo=UTC), "moved")
    with pytest.raises(NotFound):
        retire_cluster(runtime, FINANCE, "other", GONE, "moved")
    with pytest.raises(UsageError, match="reason"):
        retire_cluster(runtime, FINANCE, "test", GONE, " ")
    with pytest.raises(UsageError, match="still to come"):
        retire_cluster(runtime, FINANCE, "test", datetime(2026, 12, 1, tzinfo=UTC), "moved")
    owner = Principal("red", frozenset({Role.OWNER}), frozenset({"red"}))
    with pytest.raises(Forbidden):
        retire_cluster(runtime, owner, "test", GONE, "moved")
    assert runtime.warehouse.clusters.retired() == {}


def test_a_retirement_is_written_to_the_audit_log(runtime: Runtime) -> None:
    retire_cluster(runtime, FINANCE, "test", GONE, "moved to c1")
    (entry,) = [one for one in runtime.warehouse.audit.list(FINANCE) if one.action == "retire cluster"]
    assert (entry.principal, entry.subject) == ("finance", "test")
    assert entry.detail == {"at": "2026-10-03T05:00:00+00:00", "reason": "moved to c1"}
