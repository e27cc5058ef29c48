from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.digests import digest_tables

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HOUR, HourWindow
from service.runtime import Runtime
from service.usecases.events import add_events, import_events, list_events, remove_event
from service.usecases.forecast_backtest import backtest_forecasts
from service.usecases.forecast_usage import UsageForecast, forecast_usage, visible
from service.usecases.forecasts import forecast_costs

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
OWNER = Principal("olga", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("sam", frozenset({Role.OWNER}), frozenset({"books"}))
WEB = "alpha/shop/Deployment/web"
SALE = 30 * 24
"""Hours from the start of the world to its sale."""


@pytest.fixture
def told(world: Runtime) -> Iterator[Runtime]:
    """The world, with the past sale and one to come in its calendar."""
    start = world.now() - timedelta(days=35)
    add_events(world, PLATFORM, [_sale(start + SALE * HOUR), _sale(world.now() + 24 * HOUR)])
    yield world
    for event in list_events(world):
        remove_event(world, PLATFORM, event.id)


def _sale(start: object) -> CalendarEvent:
    return CalendarEvent("sale", EventScope(workload="web"), start, start + 12 * HOUR)  # type: ignore[operator,arg-type]


def _of(found: list[UsageForecast], kind: str, name: str) -> np.ndarray:
    one = next(forecast for forecast in found if forecast.series_kind == kind)
    return one.found.value[one.names.index(name)]


def test_the_use_of_every_workload_and_team_is_forecast_or_has_a_reason(world: Runtime) -> None:
    found = forecast_usage(world, horizon_hours=48)
    hours = np.arange(48)
    assert _of(found, "workload_cpu", WEB) == pytest.approx(
        0.6 + 0.3 * np.sin((hours + 0.5) / 24 * 2 * np.pi), abs=0.02
    )
    assert _of(found, "workload_replicas", WEB) == pytest.approx(np.ones(48))
    team, web, api = (
        _of(found, kind, name)
        for kind, name in (
            ("team_cpu", "shop"),
            ("workload_cpu", WEB),
            ("workload_cpu", "alpha/shop/Deployment/api"),
        )
    )
    assert team == pytest.approx(web + api, abs=0.15)
    cpu = found[0]
    young = cpu.names.index("alpha/shop/Deployment/young")
    assert cpu.found.reason[young] == "12 hours are known; a forecast needs 72"


def test_a_sale_to_come_is_expected_to_be_as_the_past_one_was(told: Runtime) -> None:
    found = forecast_usage(told, horizon_hours=48)
    web = _of(found, "workload_cpu", WEB)
    usual = 0.6 + 0.3 * np.sin((np.arange(48) + 0.5) / 24 * 2 * np.pi)
    assert web[:24] == pytest.approx(usual[:24], abs=0.02)
    assert web[24:36] == pytest.approx(3 * usual[24:36], rel=0.05)
    assert _of(found, "workload_cpu", "alpha/shop/Deployment/api") == pytest.approx(
        np.full(48, 0.5), rel=0.01
    )


def test_forecasting_use_twice_stores_the_same_and_keeps_the_cost_beside_it(world: Runtime) -> None:
    forecast_costs(world)
    forecast_usage(world, horizon_hours=24)
    before = digest_tables(world, ("forecast",))
    forecast_costs(world)
    forecast_usage(world, horizon_hours=24)
    assert digest_tables(world, ("forecast",)) == before
    rows = world.warehouse.lake.scan("forecast").to_pylist()
    web = [row for row in rows if row["series_kind"] == "workload_cpu" and row["series"] == WEB]
    assert len(web) == 24
    assert {row["unit"] for row in web} == {"cores"}
    assert all(row["lower_95"] <= row["lower_80"] <= row["lower_50"] <= row["value"] for row in web)
    assert all(row["value"] <= row["upper_50"] <= row["upper_80"] <= row["upper_95"] for row in web)
    assert {row["series_kind"] for row in rows} >= {"month_cost", "day_cost", "team_memory"}
    assert not any("young" in row["series"] for row in rows)


def test_a_newer_run_of_use_replaces_the_older_one_of_the_month(world: Runtime) -> None:
    forecast_usage(world, world.now() - 6 * HOUR, horizon_hours=3)
    forecast_usage(world, horizon_hours=3)
    rows = world.warehouse.lake.scan("forecast").to_pylist()
    assert {row["run_at"] for row in rows if row["series_kind"] == "workload_cpu"} == {world.now()}


def test_only_what_was_known_then_is_used(world: Runtime) -> None:
    past = world.now() - timedelta(days=4)
    (cpu, *_) = forecast_usage(world, past, horizon_hours=6)
    assert cpu.start == past
    assert "alpha/shop/Deployment/young" not in cpu.names


def test_owners_see_their_own_teams_and_nobody_elses(world: Runtime) -> None:
    (cpu, *_) = forecast_usage(world, horizon_hours=3)
    assert len(list(visible(cpu, OWNER))) == len(cpu.names)
    assert list(visible(cpu, STRANGER)) == []
    assert backtest_forecasts(world, STRANGER) == []
    with pytest.raises(Forbidden):
        list(visible(cpu, Principal("nobody")))


def test_the_replay_tells_error_naive_and_coverage_per_kind_and_horizon(world: Runtime) -> None:
    scores = backtest_forecasts(world, PLATFORM, horizons=[24])
    kinds = {(score.series_kind, score.accuracy.horizon_hours) for score in scores}
    resources = ("cpu", "memory", "replicas")
    assert kinds == {(f"{what}_{one}", 24) for what in ("workload", "team") for one in resources}
    for score in scores:
        assert score.accuracy.wape is not None
        assert 0 <= score.accuracy.wape < 0.2
        assert score.accuracy.coverage[0.95] > 0.7


def test_the_cost_of_a_day_to_come_follows_an_event_of_everything(world: Runtime) -> None:
    plain = forecast_costs(world).forecasts[0]
    start = (world.now() + timedelta(days=2)).replace(hour=0)
    feast = CalendarEvent(
        "feast", EventScope(), start, start + timedelta(days=1), EventKind.HOLIDAY, expected_factor=2.0
    )
    add_events(world, PLATFORM, [feast])
    told = forecast_costs(world).forecasts[0]
    remove_event(world, PLATFORM, feast.id)
    assert plain.value is not None
    assert told.value is not None
    day = (plain.value - plain.to_date) / 20
    assert told.value - plain.value == pytest.approx(day, rel=0.15)
    assert told.upper_95 is not None
    assert told.upper_50 is not None
    assert told.lower_80 is not None
    assert told.lower_80 <= told.value <= told.upper_50 <= told.upper_95


def test_events_are_declared_by_the_platform_from_a_file_all_or_none(world: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("name,start,end\na,2026-11-11,2026-11-12\nb,2026-11-12,2026-11-12\n", encoding="utf-8")
    with pytest.raises(Exception, match="is not after start"):
        import_events(world, PLATFORM, file)
    assert list_events(world) == []
    file.write_text("name,start,end\na,2026-11-11,2026-11-12\n", encoding="utf-8")
    with pytest.raises(Forbidden):
        import_events(world, OWNER, file)
    (event,) = import_events(world, PLATFORM, file)
    assert list_events(world, HourWindow(event.start, event.end)) == [event]
    assert remove_event(world, PLATFORM, event.id) == event
