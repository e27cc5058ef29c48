"""Replica advice, schedules and the audit, from stored hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.container_usage import Container
from support.scaled_workloads import START, WEB, hpa_spec, object_row, store_world

from ingest.files.load_test_files import load_load_tests
from models.events.calendar import CalendarEvent, EventScope
from models.vocabulary.errors import Forbidden, InputError, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.replicas import ReplicaBasis, ScalerKind
from models.vocabulary.windows import HOUR, HourWindow
from recommender.replica_demand import Driver, Drivers
from recommender.schedules import ScheduleRules
from recommender.subject import UnitPrices
from service.runtime import Runtime
from service.usecases.hpa_audit import audit_autoscalers
from service.usecases.load_tests import import_load_tests, list_load_tests
from service.usecases.replica_schedules import ScheduleFormat, ScheduleQuestion, plan_next_day
from service.usecases.replicas import (
    Outlook,
    ReplicaQuestion,
    WorkloadOutlook,
    _advise,
    advise_workloads,
    list_replicas,
    scalers_of,
)
from warehouse.database.audit import AuditNote

ADMIN = Principal("anna", frozenset({Role.ADMIN}))
NOW = START + timedelta(days=10)
BURGLAR = Principal("bob", frozenset({Role.OWNER}), frozenset({"other"}))


def office(hours: np.ndarray) -> np.ndarray:
    """Return 0.1 cores by night and 0.8 from 8 to 20 o'clock UTC."""
    return np.where((hours % 24 >= 8) & (hours % 24 < 20), 0.8, 0.1)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    found = Runtime.for_test(tmp_path_factory.mktemp("replicas"), now=NOW)
    web = Container(cpu=office, pods=4)
    static = Container(workload="api", cpu=office, pods=6, cpu_request=2.0)
    hpa = object_row("HorizontalPodAutoscaler", "web", hpa_spec(3, 6))
    store_world(found, [web, static], 240, [hpa])
    yield found
    found.warehouse.close()


def test_advice_follows_the_peak_to_come_and_the_bounds_of_the_autoscaler(runtime: Runtime) -> None:
    (found,) = list_replicas(runtime, ADMIN)
    advice = found.advice
    assert advice is not None
    assert (found.workload, advice.basis, advice.metric) == (WEB, ReplicaBasis.UTILISATION, "cpu")
    # 4 pods x 0.8 cores, and what the upper bound of the forecast adds; 50 % of 1 core
    assert 3.2 <= advice.metric_total <= 4.5
    assert advice.target_per_replica == 0.5
    assert advice.replica_count_needed == math.ceil(advice.metric_total / 0.5)
    assert (advice.replica_count_advised, advice.bound) == (6, "maximum")
    assert advice.replica_count_now == 4.0
    assert advice.monthly_cost_now is None
    assert advise_workloads(runtime, "alpha", NOW) == {WEB: advice}


def test_present_replicas_that_are_not_known_cost_an_unknown_amount(runtime: Runtime) -> None:
    driver = Driver(ReplicaBasis.LOAD_TEST, "rps", "rps", 10.0, stated_peak=25.0)
    workload = WorkloadOutlook(WEB, None, None, Drivers((driver,)), (Outlook(driver, None, 25.0),))
    advice, reason = _advise(runtime, workload, UnitPrices(), is_floor=False)
    assert reason is None
    assert advice is not None
    assert (advice.replica_count_now, advice.monthly_cost_now) == (None, None)
    assert advice.replica_count_advised == 3


def test_workloads_that_nothing_scales_are_listed_on_request(runtime: Runtime) -> None:
    found = {
        one.workload.name: one for one in list_replicas(runtime, ADMIN, ReplicaQuestion(with_static=True))
    }
    advice = found["api"].advice
    assert advice is not None
    # at least 4.8 cores at 70 % of 2 cores
    assert advice.metric_total >= 4.8
    assert advice.replica_count_advised == math.ceil(advice.metric_total / 1.4)
    assert "at_present_request" in advice.flags


def test_a_single_replica_is_not_doubled_for_the_minimum_alone(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=NOW)
    store_world(runtime, [Container(workload="one"), Container(workload="two", pods=2)], 96)
    asked = ReplicaQuestion(as_of=START + 96 * HOUR, with_static=True)
    found = {one.workload.name: one.advice for one in list_replicas(runtime, ADMIN, asked)}
    assert {name: one.replica_count_advised for name, one in found.items() if one} == {"one": 1, "two": 2}
    runtime.warehouse.close()


def test_nobody_sees_workloads_of_other_teams(runtime: Runtime) -> None:
    assert list_replicas(runtime, BURGLAR) == []
    assert audit_autoscalers(runtime, BURGLAR) == []
    with pytest.raises(NotFound):
        plan_next_day(runtime, BURGLAR, ScheduleQuestion(WEB, "UTC"))


def test_the_schedule_of_an_hpa_is_kubectl_lines_in_the_zone_asked_for(runtime: Runtime) -> None:
    rules = ScheduleRules(ready_seconds=90)
    found = plan_next_day(runtime, ADMIN, ScheduleQuestion(WEB, "Europe/Berlin", rules=rules))
    assert len(found.schedule.needed) == 24
    # the local day begins at 23:00 UTC; office hours are 9 to 21 in Berlin
    assert found.schedule.first == NOW + 23 * HOUR
    assert found.schedule.needed == (3,) * 9 + (6,) * 12 + (3,) * 3
    lines = found.text.splitlines()
    assert lines[2] == "# 2026-11-12 08:58 Europe/Berlin"
    assert lines[3] == """kubectl patch hpa web -n shop --type=merge -p '{"spec":{"minReplicas":6}}'"""
    assert lines[-2:] == [
        "# 2026-11-13 00:00 Europe/Berlin",
        """kubectl patch hpa web -n shop --type=merge -p '{"spec":{"minReplicas":3}}'""",
    ]


def test_the_schedule_as_keda_takes_the_hpa_over(runtime: Runtime) -> None:
    question = ScheduleQuestion(WEB, "Europe/Berlin", written_as=ScheduleFormat.KEDA)
    document = yaml.safe_load(plan_next_day(runtime, ADMIN, question).text)
    assert document["kind"] == "ScaledObject"
    assert document["metadata"]["annotations"] == {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
    assert document["spec"]["minReplicaCount"] == 3
    assert document["spec"]["triggers"] == [
        {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}},
        {
            "type": "cron",
            "metadata": {
                "timezone": "Europe/Berlin",
                "start": "58 8 12 11 *",
                "end": "0 21 12 11 *",
                "desiredReplicas": "6",
            },
        },
    ]


def test_a_zone_that_is_half_an_hour_off_takes_the_larger_hour(runtime: Runtime) -> None:
    found = plan_next_day(runtime, ADMIN, ScheduleQuestion(WEB, "Asia/Kolkata"))
    # 8 to 20 o'clock UTC is 13:30 to 1:30 there: the hours from 13:00 and until 2:00 need the peak
    assert found.schedule.needed[12:14] == (3, 6)
    assert sum(number == 6 for number in found.schedule.needed) == 11 + 2


def test_what_cannot_be_scheduled_says_why(runtime: Runtime) -> None:
    with pytest.raises(UsageError, match="IANA"):
        plan_next_day(runtime, ADMIN, ScheduleQuestion(WEB, "Mars/Olympus"))
    early = ScheduleQuestion(WEB, "UTC", as_of=START + 24 * HOUR)
    with pytest.raises(NotFound, match="three days of history"):
        plan_next_day(runtime, ADMIN, early)


def test_the_audit_counts_what_the_autoscaler_could_have_saved(runtime: Runtime) -> None:
    (found,) = audit_autoscalers(runtime, ADMIN)
    audit = found.audit
    assert audit is not None
    assert audit.metrics[0].achieved == pytest.approx(0.45)
    assert audit.counted_hours == 168.0
    # nights: 0.4 cores need 1 of 4, for 12 hours of 7 days, and 3 must run; days need 7 and have 4
    assert audit.excess_replica_hours == pytest.approx(12 * 7 * 3)
    assert audit.excess_by_minimum_hours == pytest.approx(12 * 7 * 2)


def test_events_of_the_calendar_do_not_count_unless_asked(runtime: Runtime) -> None:
    sale = CalendarEvent("sale", EventScope(workload="web"), NOW - 48 * HOUR, NOW - 24 * HOUR)
    note = AuditNote("anna", "save_events", "sale", NOW, {})
    runtime.warehouse.events.save([sale], note)
    try:
        (without,) = audit_autoscalers(runtime, ADMIN)
        (with_sale,) = audit_autoscalers(runtime, ADMIN, with_events=True)
    finally:
        runtime.warehouse.events.remove(sale.id, note)
    assert without.audit is not None
    assert with_sale.audit is not None
    assert (without.audit.excluded_hours, with_sale.audit.excluded_hours) == (24.0, 0.0)


def test_an_autoscaler_that_went_is_no_longer_read(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=NOW)
    rows = [
        object_row("HorizontalPodAutoscaler", "web", hpa_spec()),
        object_row("HorizontalPodAutoscaler", "web", {}, START + 10 * HOUR, is_gone=True),
    ]
    window = store_world(runtime, [Container(pods=2)], 24, rows)
    assert list(scalers_of(runtime, "alpha", START + 5 * HOUR)) == [WEB]
    assert scalers_of(runtime, "alpha", START + 11 * HOUR) == {}
    (audited,) = audit_autoscalers(runtime, ADMIN, window=HourWindow(window.start, window.end))
    assert audited.audit is not None
    assert audited.audit.counted_hours == 10.0
    runtime.warehouse.close()


def test_keda_counts_and_its_own_autoscaler_does_not(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=NOW)
    owned = {**hpa_spec(), "owner": {"kind": "ScaledObject", "name": "web"}}
    trigger = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}
    keda = {"scaleTargetRef": {"name": "web"}, "maxReplicaCount": 9, "triggers": [trigger]}
    rows = [
        object_row("HorizontalPodAutoscaler", "keda-hpa-web", owned),
        object_row("HorizontalPodAutoscaler", "keda-hpa-web", owned, START + HOUR, is_gone=True),
        object_row("ScaledObject", "web", keda),
    ]
    store_world(runtime, [Container(cpu=office, pods=4)], 96, rows)
    found = scalers_of(runtime, "alpha", START + 96 * HOUR)
    assert {key: one.kind for key, one in found.items()} == {WEB: ScalerKind.SCALED_OBJECT}
    (audited,) = audit_autoscalers(runtime, ADMIN, window=HourWindow(START, START + 96 * HOUR))
    assert (audited.workload, audited.name) == (WEB, "ScaledObject web")
    asked = ScheduleQuestion(WEB, "UTC", as_of=START + 96 * HOUR)
    operations = yaml.safe_load(plan_next_day(runtime, ADMIN, asked).text)
    assert {(one["op"], one["path"]) for one in operations} == {("add", "/spec/triggers/-")}
    assert {one["value"]["type"] for one in operations} == {"cron"}
    # its minimum is 0, so that the least of the day is asked for too
    wanted = [int(one["value"]["metadata"]["desiredReplicas"]) for one in operations]
    schedule = plan_next_day(runtime, ADMIN, asked).schedule
    assert wanted == [step.replicas for step in schedule.steps if step.replicas > 0]
    assert min(wanted) == schedule.base
    with pytest.raises(UsageError, match="--format keda"):
        plan_next_day(
            runtime,
            ADMIN,
            ScheduleQuestion(WEB, "UTC", as_of=asked.as_of, written_as=ScheduleFormat.HPA),
        )
    runtime.warehouse.close()


HEADER = "cluster,namespace,workload_name,metric,capacity_per_replica,service_level,stop_rule_ratio,tested_at"


GOOD = "alpha,shop,web,rps,5,p99,0.01,2026-11-01T00:00:00Z"


def write_tests(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "tests.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_load_test_decides_until_it_expires(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=NOW)
    hpa = object_row("HorizontalPodAutoscaler", "web", hpa_spec(2, 20))
    store_world(runtime, [Container(cpu=office, pods=4)], 96, [hpa])
    row = "alpha,shop,web,cpu_cores,0.25,p99 < 300 ms,0.01,2026-11-01T00:00:00Z"
    import_load_tests(runtime, ADMIN, write_tests(tmp_path, row))
    (found,) = list_replicas(runtime, ADMIN, ReplicaQuestion(as_of=START + 96 * HOUR))
    assert found.advice is not None
    assert (found.advice.basis, found.advice.replica_count_advised) == (
        ReplicaBasis.LOAD_TEST,
        math.ceil(found.advice.metric_total / 0.25),
    )
    assert found.advice.metric_total >= 3.2
    (listed,) = list_load_tests(runtime, ADMIN)
    assert (listed.is_expired, listed.test.stop_rule_ratio) == (False, 0.01)
    assert list_load_tests(runtime, BURGLAR) == []
    later = runtime.at(NOW + timedelta(days=90))
    assert list_load_tests(later, ADMIN)[0].is_expired
    runtime.warehouse.close()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("alpha,shop,web,rps,0,p99,0.01,2026-11-01T00:00:00Z", "capacity_per_replica"),
        ("alpha,shop,web,rps,x,p99,0.01,2026-11-01T00:00:00Z", "capacity_per_replica"),
        ("alpha,shop,web,rps,5,p99,1.5,2026-11-01T00:00:00Z", "stop_rule_ratio"),
        ("alpha,shop,web,rps,5,p99,0.01,2027-11-01T00:00:00Z", "tested_at"),
        ("alpha,shop,web,rps,5,p99,0.01,yesterday", "tested_at"),
        ("alpha,shop,web,orders,5,p99,0.01,2026-11-01T00:00:00Z", "metric"),
        ("a b,shop,web,rps,5,p99,0.01,2026-11-01T00:00:00Z", "cluster"),
        ("alpha,shop,web,rps,5,,0.01,2026-11-01T00:00:00Z", "service_level"),
    ],
)
def test_a_bad_row_is_named_by_file_row_and_field(tmp_path: Path, row: str, field: str) -> None:
    with pytest.raises(InputError) as problem:
        load_load_tests(write_tests(tmp_path, GOOD, row), NOW)
    assert (problem.value.row, problem.value.field) == (2, field)
    assert "tests.csv" in str(problem.value)


def test_of_a_file_with_one_bad_row_nothing_is_stored(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        import_load_tests(runtime, ADMIN, write_tests(tmp_path, GOOD, GOOD.replace(",5,", ",0,")))
    assert list_load_tests(runtime, ADMIN) == []


def test_a_test_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="twice"):
        load_load_tests(write_tests(tmp_path, GOOD, GOOD), NOW)


def test_an_owner_imports_tests_of_the_own_team_only(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match="may not decide"):
        import_load_tests(runtime, BURGLAR, write_tests(tmp_path, GOOD))
