"""Promise P5 at its root: the SQL of every read model admits only rows of visible teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from support.board_world import (
    CURRENCY,
    FINANCE,
    FIRST_DAY,
    LAST_DAY,
    LEADER,
    NOW,
    OWNER_OF_PAYMENTS,
    OWNER_OF_SEARCH,
    STRANGER,
    World,
    team_total,
    total_of,
)

from models.vocabulary.errors import Forbidden, NotFound
from models.vocabulary.identity import ContainerKey, Principal, Role, WorkloadKey
from models.vocabulary.windows import HourWindow
from service.boards.chargeback import read_chargeback, verify_sums
from service.boards.health import read_health
from service.boards.inbox import read_inbox
from service.boards.leadership import read_leadership
from service.boards.oversell import read_oversell
from service.boards.programme import read_programme
from service.boards.programme_candidates import read_candidates
from service.boards.programme_scalers import read_scalers
from service.boards.suggestion import read_suggestion
from service.http.allocation import parse_query, read_allocation
from service.http.chargeback import export_bytes
from warehouse.reads.allocation import AllocationReads
from warehouse.reads.costs import CostReads
from warehouse.reads.coverage import CoverageReads
from warehouse.reads.footprints import FootprintReads, Scope
from warehouse.reads.forecasts import MONTH_COST, ForecastReads
from warehouse.reads.load import LoadReads
from warehouse.reads.suggestions import SuggestionReads
from warehouse.reads.usage import UsageReads

TEAMLESS_OWNER = Principal("new", frozenset({Role.OWNER}))

READS: dict[str, Callable[[World, Principal], object]] = {
    "by_day": lambda w, p: CostReads(w.runtime.warehouse.lake).by_day(p, FIRST_DAY, LAST_DAY, CURRENCY),
    "by_owner": lambda w, p: CostReads(w.runtime.warehouse.lake).by_owner(p, w.days, CURRENCY),
    "by_team_and_day": lambda w, p: CostReads(w.runtime.warehouse.lake).by_team_and_day(
        p, FIRST_DAY, LAST_DAY, CURRENCY
    ),
    "by_workload": lambda w, p: CostReads(w.runtime.warehouse.lake).by_workload(
        p, FIRST_DAY, LAST_DAY, CURRENCY
    ),
    "currencies": lambda w, p: CostReads(w.runtime.warehouse.lake).currencies(p, FIRST_DAY, LAST_DAY),
    "days_with_cost": lambda w, p: CostReads(w.runtime.warehouse.lake).days_with_cost(p),
    "footprint": lambda w, p: FootprintReads(w.runtime.warehouse.lake).over(p, w.days, Scope(), CURRENCY),
    "forecast": lambda w, p: ForecastReads(w.runtime.warehouse.lake).newest(
        p, MONTH_COST, CURRENCY, NOW, NOW
    ),
    "allocation": lambda w, p: AllocationReads(w.runtime.warehouse.lake).by_group(
        p, ("namespace",), FIRST_DAY, LAST_DAY, CURRENCY, include_idle=True
    ),
    "open_savings": lambda w, p: SuggestionReads(w.runtime.warehouse.database).open_savings(p),
    "silences": lambda w, p: SuggestionReads(w.runtime.warehouse.database).silences(p),
    "clusters": lambda w, p: CoverageReads(w.runtime.warehouse.database).clusters(p),
    "stored_window": lambda w, p: CoverageReads(w.runtime.warehouse.database).stored_window(p),
    "load": lambda w, p: LoadReads(w.runtime.warehouse.database).since(p, NOW),
    "leadership board": lambda w, p: read_leadership(w.runtime, p),
    "inbox": lambda w, p: read_inbox(w.runtime, p),
    "chargeback board": lambda w, p: read_chargeback(w.runtime, p),
    "oversell board": lambda w, p: read_oversell(w.runtime, p),
    "programme board": lambda w, p: read_programme(w.runtime, p),
    "autoscalers": lambda w, p: read_scalers(w.runtime, p),
    "health board": lambda w, p: read_health(w.runtime, p),
    "export": lambda w, p: export_bytes(w.runtime, p, "2026-10", "summary"),
    "verification": lambda w, p: verify_sums(w.runtime, p, "2026-10"),
}


@pytest.mark.parametrize("name", READS)
def test_a_principal_without_a_role_reads_nothing(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        READS[name](world, STRANGER)


@pytest.mark.parametrize("name", [name for name in READS if name.startswith("by_")])
def test_an_owner_never_sees_a_row_of_another_team(world: World, name: str) -> None:
    shown = repr(READS[name](world, OWNER_OF_SEARCH))
    assert shown != "[]"
    for word in ("payments", "web", "data-platform", "notebooks", "ledger", "storefront", "evil.example"):
        assert word not in shown


def test_owners_see_exactly_their_own_cost(world: World) -> None:
    costs = CostReads(world.runtime.warehouse.lake)
    for principal, team in ((OWNER_OF_SEARCH, "search"), (OWNER_OF_PAYMENTS, "payments")):
        rows = costs.by_day(principal, FIRST_DAY, LAST_DAY, CURRENCY)
        assert sum(row.cost.total_cost for row in rows) == team_total(team, world.days)
        assert sum(row.cost.idle_cost + row.cost.overhead_cost for row in rows) == 0
    everything = costs.by_day(LEADER, FIRST_DAY, LAST_DAY, CURRENCY)
    assert sum(row.cost.total_cost for row in everything) == total_of(world.days)


def test_an_owner_without_teams_sees_no_row(world: World) -> None:
    assert READS["by_owner"](world, TEAMLESS_OWNER) == []
    assert READS["open_savings"](world, TEAMLESS_OWNER) == []
    assert READS["allocation"](world, TEAMLESS_OWNER) == []


def test_an_owner_of_two_teams_sees_both_and_no_third(world: World) -> None:
    both = Principal("duo", frozenset({Role.OWNER}), frozenset({"search", "payments"}))
    rows = CostReads(world.runtime.warehouse.lake).by_owner(both, world.days, CURRENCY)
    assert {row.team for row in rows} == {"search", "payments"}


def test_a_team_named_like_sql_is_only_a_name(world: World) -> None:
    hostile = Principal("eve", frozenset({Role.OWNER}), frozenset({"search') OR TRUE --", "%", "_"}))
    assert CostReads(world.runtime.warehouse.lake).by_owner(hostile, world.days, CURRENCY) == []


def test_suggestions_of_other_teams_do_not_exist_for_an_owner(world: World) -> None:
    mine = read_inbox(world.runtime, OWNER_OF_SEARCH)
    assert {row.team for row in mine.rows} == {"search"}
    theirs = read_inbox(world.runtime, OWNER_OF_PAYMENTS).rows[0]
    with pytest.raises(NotFound):
        read_suggestion(world.runtime, OWNER_OF_SEARCH, theirs.id)


def test_the_use_of_another_teams_container_is_refused(world: World) -> None:
    key = ContainerKey(WorkloadKey("shop-eu", "search", "Deployment", "search-api"), "app")
    window = HourWindow(NOW - timedelta(hours=24), NOW)
    reads = UsageReads(world.runtime.warehouse.lake)
    assert len(reads.by_hour(OWNER_OF_SEARCH, key, "search", window)) == 24
    with pytest.raises(Forbidden):
        reads.by_hour(OWNER_OF_PAYMENTS, key, "search", window)
    with pytest.raises(Forbidden):
        reads.by_hour(OWNER_OF_SEARCH, key, None, window)


def test_owners_get_no_whole_file_no_oversell_and_no_idle_cost(world: World) -> None:
    for name in ("export", "verification", "oversell board"):
        with pytest.raises(Forbidden):
            READS[name](world, OWNER_OF_SEARCH)
    query = parse_query(world.runtime, {"window": "lastmonth", "accumulate": "true", "includeIdle": "true"})
    (shown,) = read_allocation(world.runtime, OWNER_OF_SEARCH, query)
    assert list(shown) == ["search"]
    (everything,) = read_allocation(world.runtime, FINANCE, query)
    assert "__idle__" in everything


def test_an_owners_board_speaks_of_own_cost_only(world: World) -> None:
    board = read_leadership(world.runtime, OWNER_OF_SEARCH)
    november = [day for day in world.days if day.month == 11]
    assert board.total == team_total("search", november)
    assert [row.label for row in board.teams] == ["search", "Total"]
    assert next(figure for figure in board.figures if figure.key == "budget").note == "no budget set"


def test_an_owner_sees_own_suggestions_in_the_programme_and_in_words_why_no_more(world: World) -> None:
    board = read_programme(world.runtime, OWNER_OF_SEARCH)
    assert board.initiatives == ()
    assert "belong to no team" in board.initiatives_note
    assert board.ledger == ()
    assert "whole company" in board.ledger_note
    values = {figure.key: figure.value for figure in board.figures}
    mine = [row.saving for row in read_inbox(world.runtime, OWNER_OF_SEARCH).rows]
    assert values["requested"] == f"{sum(one for one in mine if one):.2f} EUR"
    assert values["realised"] == values["bankable"] == values["other"] == "not shown"
    ranking = read_candidates(world.runtime, OWNER_OF_SEARCH)
    assert ranking.rows == ()
    assert "all teams" in ranking.note
