from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.vocabulary.identity import Principal, Role
from service.usecases.anomalies import find_anomalies
from warehouse.database.anomalies import AnomalyState

LEADER = Principal("leader", frozenset({Role.LEADERSHIP}))
OWNER = Principal("owner", frozenset({Role.OWNER}), frozenset({"data"}))
BATCH_PER_DAY = 24 * Decimal("0.22")


def test_an_anomaly_is_told_on_its_first_day_and_never_again(runtime):
    first_day = find_anomalies(runtime, datetime(2026, 10, 22, 1, tzinfo=UTC))
    (team,) = [one for one in first_day.told if one.scope_kind == "team"]
    assert (team.scope, team.first_day, team.last_day) == ("data", date(2026, 10, 21), date(2026, 10, 21))
    assert team.actual_cost - team.expected_cost == pytest.approx(BATCH_PER_DAY, rel=Decimal("0.01"))
    # that much a day for the ten days that October still has, beside what is spent
    assert team.money_at_risk == pytest.approx(11 * BATCH_PER_DAY, rel=Decimal("0.01"))
    assert team.cause == "workload"
    assert "data/Deployment/batch" in team.cause_text
    assert "EUR" in team.cause_text

    again = find_anomalies(runtime, datetime(2026, 10, 22, 1, tzinfo=UTC))
    assert again.told == ()
    next_day = find_anomalies(runtime, datetime(2026, 10, 23, 1, tzinfo=UTC))
    assert [one.scope for one in next_day.told if one.scope_kind == "team"] == []
    (longer,) = [one for one in next_day.found if one.scope_kind == "team"]
    assert (longer.day_count, longer.detected_at.day) == (2, 23)
    (stored,) = runtime.warehouse.anomalies.list(OWNER)
    assert stored.detected_at == datetime(2026, 10, 22, 1, tzinfo=UTC)


def test_idle_capacity_that_fell_is_told_for_its_cluster_not_for_a_team(runtime):
    find_anomalies(runtime)
    kinds = {(one.scope_kind, one.scope) for one in runtime.warehouse.anomalies.list(LEADER)}
    assert ("cluster", "c1") in kinds
    assert all(one.scope == "data" for one in runtime.warehouse.anomalies.list(OWNER))


def test_what_later_data_makes_ordinary_is_withdrawn(runtime):
    find_anomalies(runtime)
    known = runtime.warehouse.anomalies.list(LEADER)
    assert known
    runtime.warehouse.anomalies.record([], date(2026, 9, 1))
    assert runtime.warehouse.anomalies.list(LEADER) == []
    assert all(one.state is AnomalyState.FOUND for one in known)
