"""Load tests: imported from files, listed with their age, chosen for replica advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingest.files.load_test_files import load_load_tests
from models.vocabulary.identity import Principal, WorkloadKey
from recommender.load_tests import CapacityTest, ChosenTests, choose_tests
from service.runtime import Runtime
from service.usecases.unit_prices import read_teams
from warehouse.database.audit import AuditNote
from warehouse.database.replicas import LoadTest

IMPORT_ACTION = "import_load_tests"


@dataclass(frozen=True)
class ListedTest:
    """One load test with the team of its workload and whether it still counts."""

    test: LoadTest
    team: str | None
    age_days: float
    is_expired: bool
    is_newest: bool


def import_load_tests(runtime: Runtime, principal: Principal, path: Path) -> list[LoadTest]:
    """Store the load tests of a file; a test of the same workload, metric and time is replaced.

    Raises
    ------
    InputError
        Naming file, row, field and value; nothing is stored then.
    Forbidden
        If the principal may not decide for the team of a workload in the file.
    """
    now = runtime.now()
    tests = load_load_tests(path, now)
    teams = _teams(runtime, {test.workload.cluster for test in tests})
    for test in tests:
        principal.require_decision_for(teams.get(test.workload))
    detail = {"file": path.name, "rows": len(tests)}
    note = AuditNote(principal.id, IMPORT_ACTION, path.name, now, detail)
    runtime.warehouse.load_tests.save(tests, note)
    return tests


def list_load_tests(runtime: Runtime, principal: Principal, cluster: str | None = None) -> list[ListedTest]:
    """Return the load tests that a principal may see, by workload and metric, the newest first."""
    visible = principal.visible_teams()
    tests = runtime.warehouse.load_tests.list(cluster)
    teams = _teams(runtime, {test.workload.cluster for test in tests})
    now, longest = runtime.now(), runtime.settings.load_test_max_age_days
    seen: set[tuple[WorkloadKey, str]] = set()
    found = []
    for test in tests:
        team = teams.get(test.workload)
        is_newest = (test.workload, test.metric) not in seen
        seen.add((test.workload, test.metric))
        if visible is None or team in visible:
            age = (now - test.tested_at).total_seconds() / 86_400
            found.append(ListedTest(test, team, age, _tested(test).is_expired(now, longest), is_newest))
    return found


def chosen_tests(runtime: Runtime, cluster: str, as_of: datetime) -> Mapping[WorkloadKey, ChosenTests]:
    """Return the load tests that count for each workload of a cluster at an instant."""
    by_workload: dict[WorkloadKey, list[CapacityTest]] = {}
    for test in runtime.warehouse.load_tests.list(cluster):
        by_workload.setdefault(test.workload, []).append(_tested(test))
    longest = runtime.settings.load_test_max_age_days
    return {key: choose_tests(tests, as_of, longest) for key, tests in by_workload.items()}


def _tested(test: LoadTest) -> CapacityTest:
    return CapacityTest(
        metric=test.metric,
        unit=test.unit,
        capacity_per_replica=test.capacity_per_replica,
        tested_at=test.tested_at,
        service_level=test.service_level,
        stop_rule_ratio=test.stop_rule_ratio,
        peak_demand=test.peak_demand,
    )


def _teams(runtime: Runtime, clusters: set[str]) -> dict[WorkloadKey, str | None]:
    now = runtime.now()
    return {
        key: team for cluster in sorted(clusters) for key, team in read_teams(runtime, cluster, now).items()
    }
