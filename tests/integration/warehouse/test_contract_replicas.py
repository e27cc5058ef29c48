"""What the repositories of load tests and request weights promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.vocabulary.identity import Principal, Role, WorkloadKey
from warehouse.database.audit import AuditNote
from warehouse.database.replicas import LoadTest, StoredFit
from warehouse.gateway import Warehouse

NOON = datetime(2026, 10, 12, 12, tzinfo=UTC)
WEB = WorkloadKey("alpha", "shop", "Deployment", "web")
API = WorkloadKey("beta", "shop", "Rollout", "api")
ADMIN = Principal("ann", frozenset({Role.ADMIN}))


def a_test(workload: WorkloadKey = WEB, days_ago: int = 1, capacity: float = 100.0) -> LoadTest:
    at = NOON - timedelta(days=days_ago)
    return LoadTest(workload, "rps", at, capacity, "requests/s", "p99 < 300 ms", 0.01, None, "t.csv", 1)


def note(minute: int = 0) -> AuditNote:
    return AuditNote("ann", "import_load_tests", "t.csv", NOON + timedelta(minutes=minute), {"rows": 1})


def test_load_tests_are_listed_by_workload_the_newest_first(each_database: Warehouse) -> None:
    older, newer, other = a_test(days_ago=30), a_test(), a_test(API)
    each_database.load_tests.save([older, other, newer], note())
    assert each_database.load_tests.list() == [newer, older, other]
    assert each_database.load_tests.list("beta") == [other]
    assert each_database.audit.list(ADMIN)[0].action == "import_load_tests"


def test_the_same_test_again_replaces_its_numbers(each_database: Warehouse) -> None:
    each_database.load_tests.save([a_test()], note())
    each_database.load_tests.save([a_test(capacity=120.0)], note(1))
    (found,) = each_database.load_tests.list()
    assert found.capacity_per_replica == 120.0


def a_fit(minute: int, r2: float | None = 0.97, workload: WorkloadKey = WEB) -> StoredFit:
    at = NOON + timedelta(minutes=minute)
    return StoredFit(workload, "http_bucket", at, r2, 0.4, {"weights": [0.5, 1.5], "base": None})


def test_the_newest_fit_at_an_instant_holds(each_database: Warehouse) -> None:
    for fit in (a_fit(0), a_fit(10, None), a_fit(0, workload=API)):
        each_database.request_metric_fits.save(fit)
    fits = each_database.request_metric_fits
    assert fits.newest(NOON - timedelta(minutes=1)) == []
    assert fits.newest(NOON + timedelta(minutes=5)) == [a_fit(0), a_fit(0, workload=API)]
    assert fits.newest(NOON + timedelta(minutes=15), "alpha") == [a_fit(10, None)]


def test_the_same_fit_twice_is_stored_once(each_database: Warehouse) -> None:
    for r2 in (0.9, 0.95):
        each_database.request_metric_fits.save(a_fit(0, r2))
    assert each_database.request_metric_fits.newest(NOON) == [a_fit(0, 0.95)]
