"""Each board in each state, through Streamlit's own test runner."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from support import board_world
from support.board_world import LEADER, OWNER_OF_SEARCH, PLATFORM, STRANGER, World, build_world

import dashboards.session
from models.vocabulary.errors import StorageError
from models.vocabulary.identity import Principal, Role
from service.access import Unauthenticated
from service.boards import chargeback, health, inbox, leadership, oversell, programme
from service.runtime import Runtime, using
from warehouse.observed import WindowState

BOARDS = ("leadership", "suggestions", "chargeback", "oversell", "programme", "health")
_READERS = {
    "leadership": (leadership, "read_leadership"),
    "suggestions": (inbox, "read_inbox"),
    "chargeback": (chargeback, "read_chargeback"),
    "oversell": (oversell, "read_oversell"),
    "programme": (programme, "read_programme"),
    "health": (health, "read_health"),
}
Open = Callable[..., AppTest]


@pytest.fixture
def open_board(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return a function that opens a board of a runtime as a principal."""
    st.cache_data.clear()

    def open_it(runtime: Runtime, principal: Principal, board: str) -> AppTest:
        monkeypatch.setattr(dashboards.session, "principal_of_ticket", lambda _: principal)
        with using(runtime):
            page = AppTest.from_file(str(repository / "dashboards" / "app.py"), default_timeout=30).run()
            if board != "leadership":
                page.switch_page(f"boards/{board}.py").run()
        return page

    yield open_it
    st.cache_data.clear()


def shown(page: AppTest) -> str:
    return " ".join(element.value for element in page.html)


def team_costs(page: AppTest) -> list[Decimal]:
    found = re.findall(r'</th><td class="mc-right">([\d,.]+)</td>', shown(page))
    return [Decimal(text.replace(",", "")) for text in found]


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_opens(world: World, open_board: Open, board: str) -> None:
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    assert "mc-header" in shown(page)
    assert 'data-mark="simulated"' in shown(page)
    assert 'data-state="bad"' not in shown(page)


@pytest.mark.parametrize("board", BOARDS)
def test_an_empty_warehouse_says_what_to_do(tmp_path: Path, open_board: Open, board: str) -> None:
    runtime = Runtime.for_test(tmp_path)
    page = open_board(runtime, PLATFORM, board)
    assert not page.exception
    assert "millicore" in shown(page)
    assert 'data-state="neutral"' in shown(page)
    assert "0.00" not in shown(page), "nothing stored is never shown as zero"
    runtime.warehouse.close()


@pytest.mark.parametrize("board", BOARDS)
def test_a_failed_read_is_an_error_and_never_a_zero(
    world: World, open_board: Open, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageError("the lake at /x cannot be read")

    monkeypatch.setattr(*_READERS[board], fail)
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    assert 'data-state="bad"' in shown(page)
    assert "could not be read" in shown(page)
    assert "the lake at /x cannot be read" in shown(page)
    assert "data-figure" not in shown(page)
    assert not page.dataframe


@pytest.mark.parametrize("board", BOARDS)
def test_a_principal_without_a_role_sees_no_figure(world: World, open_board: Open, board: str) -> None:
    page = open_board(world.runtime, STRANGER, board)
    assert not page.exception
    assert "You have no right to this board" in shown(page)
    assert "data-figure" not in shown(page)
    assert not page.dataframe


@pytest.mark.parametrize("board", BOARDS)
def test_old_data_is_marked_on_every_board(world: World, open_board: Open, board: str) -> None:
    later = world.runtime.at(datetime(2026, 11, 25, tzinfo=UTC))
    page = open_board(later, PLATFORM, board)
    assert not page.exception
    assert 'data-mark="stale"' in shown(page)
    assert "ended 4 days ago" in shown(page)


@pytest.mark.parametrize("board", BOARDS)
def test_missing_days_are_marked(tmp_path: Path, open_board: Open, board: str) -> None:
    gap = (
        "shop-eu",
        datetime(2026, 11, 12, 7, tzinfo=UTC),
        WindowState.UNRECOVERABLE,
        "older than retention",
    )
    october = ("shop-eu", datetime(2026, 10, 3, 7, tzinfo=UTC), WindowState.FAILED, "no answer")
    world = build_world(tmp_path, gaps=[gap, october])
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    if board in ("leadership", "chargeback"):
        assert 'data-mark="partial"' in shown(page)
    if board == "health":
        reasons = list(page.dataframe[1].value["Reason"])
        assert reasons == ["older than retention", "no answer"]
    world.runtime.warehouse.close()


@pytest.mark.parametrize("board", BOARDS)
def test_three_days_of_data_show_their_days_and_no_verdict(
    tmp_path: Path, open_board: Open, board: str
) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 18), with_suggestions=False)
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    text = shown(page)
    assert 'data-state="bad"' not in text
    if board == "leadership":
        assert "3 of 7" in text
        assert "needs 28 final days, has 3" in text
        assert "no change shown" in text
    world.runtime.warehouse.close()


@pytest.mark.parametrize("board", BOARDS)
def test_a_database_that_is_gone_is_an_error_with_its_remedy(
    tmp_path: Path, open_board: Open, board: str
) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 18), with_suggestions=False)
    world.runtime.warehouse.close()
    for file in tmp_path.glob("*.db*"):
        file.unlink()
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    assert 'data-state="bad"' in shown(page)
    assert "could not be read" in shown(page)
    assert "data-figure" not in shown(page)
    assert "Traceback" not in shown(page)


@pytest.mark.parametrize("board", ["leadership", "chargeback", "oversell", "programme"])
def test_a_lake_that_is_gone_is_an_error_and_never_a_zero(
    tmp_path: Path, open_board: Open, board: str
) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 18), with_suggestions=False)
    shutil.rmtree(tmp_path / "lake")
    page = open_board(world.runtime, PLATFORM, board)
    assert not page.exception
    assert 'data-state="bad"' in shown(page)
    assert "data-figure" not in shown(page)
    assert "0.00 EUR" not in shown(page)
    world.runtime.warehouse.close()


def test_many_teams_are_folded_into_one_row_that_keeps_the_sum(
    tmp_path: Path, open_board: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(
        board_world.WorkloadSpec("shop-eu", f"n{n}", f"app{n}", f"team{n:02}", "rule", 1003 + n, 501 + n)
        for n in range(12)
    )
    monkeypatch.setattr(board_world, "WORKLOADS", many)
    world = build_world(tmp_path, with_suggestions=False)
    page = open_board(world.runtime, LEADER, "leadership")
    *rows, total = team_costs(page)
    assert sum(rows) == total
    assert "(6 other teams)" in shown(page)
    assert "(idle capacity)" in shown(page)
    assert len(rows) == 6 + 1 + 2
    assert len(page.dataframe[0].value) == 12 + 2 + 1, "every team is one click away"
    world.runtime.warehouse.close()


def test_a_gap_older_than_the_calendar_is_still_listed(tmp_path: Path, open_board: Open) -> None:
    gap = ("shop-eu", datetime(2026, 9, 2, 7, tzinfo=UTC), WindowState.FAILED, "no answer")
    world = build_world(tmp_path, first=date(2026, 9, 1), gaps=[gap], with_suggestions=False)
    page = open_board(world.runtime, PLATFORM, "health")
    assert "No gap" not in shown(page)
    assert any("no answer" in table.value.to_string() for table in page.dataframe)
    world.runtime.warehouse.close()


def test_a_connection_that_did_not_pass_the_gate_sees_nothing(
    world: World, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> Principal:
        raise Unauthenticated("sign in first")

    monkeypatch.setattr(dashboards.session, "principal_of_ticket", refuse)
    with using(world.runtime):
        page = AppTest.from_file(str(repository / "dashboards" / "app.py"), default_timeout=30).run()
    assert "Sign in first" in shown(page)
    assert "data-figure" not in shown(page)


def test_the_team_table_on_screen_sums_to_the_headline(world: World, open_board: Open) -> None:
    page = open_board(world.runtime, LEADER, "leadership")
    *rows, total = team_costs(page)
    assert sum(rows) == total
    board = leadership.read_leadership(world.runtime, LEADER)
    assert f"{total:,.2f} EUR" == board.total_text
    assert board.figures[0].value.split(" ")[0] in shown(page)


def test_a_board_read_for_one_principal_is_not_served_to_another(world: World, open_board: Open) -> None:
    assert len(team_costs(open_board(world.runtime, LEADER, "leadership"))) == 9
    owner = open_board(world.runtime, OWNER_OF_SEARCH, "leadership")
    assert re.findall(r'<th scope="row">(.*?)</th>', shown(owner)) == ["search", "Total"]
    promoted = Principal(OWNER_OF_SEARCH.id, frozenset({Role.LEADERSHIP}))
    assert len(team_costs(open_board(world.runtime, promoted, "leadership"))) == 9


def test_an_owner_has_no_oversell_board_and_no_download(world: World, open_board: Open) -> None:
    assert "You have no right to this board" in shown(open_board(world.runtime, OWNER_OF_SEARCH, "oversell"))
    page = open_board(world.runtime, OWNER_OF_SEARCH, "chargeback")
    assert "/v1/chargeback/" not in shown(page)
    assert "need a role that sees all teams" in shown(page)


def test_an_owner_without_teams_is_told_whom_to_ask(world: World, open_board: Open) -> None:
    page = open_board(world.runtime, Principal("new", frozenset({Role.OWNER})), "suggestions")
    assert "You own no team yet" in shown(page)


def test_a_leader_reads_suggestions_but_has_no_buttons(world: World, open_board: Open) -> None:
    page = open_board(world.runtime, LEADER, "suggestions")
    assert "You may read this suggestion but not decide on it" in shown(page)
    assert not page.button


def test_filters_narrow_the_list(world: World, open_board: Open) -> None:
    page = open_board(world.runtime, PLATFORM, "suggestions")
    assert len(page.dataframe[0].value) == 4
    with using(world.runtime):
        page.selectbox(key="team").select("payments").run()
    assert list(page.dataframe[0].value["Workload"]) == ["ledger / app"]
    with using(world.runtime):
        page.selectbox(key="state").select("rejected").run()
    assert "No suggestion matches these filters" in shown(page)


def test_accepting_on_the_page_is_recorded(tmp_path: Path, open_board: Open) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 18))
    page = open_board(world.runtime, OWNER_OF_SEARCH, "suggestions")
    (button,) = [one for one in page.button if one.label == "Accept"]
    with using(world.runtime):
        button.click().run()
    assert "Recorded: accepted by sam." in shown(page)
    (stored,) = world.runtime.warehouse.recommendations.list(OWNER_OF_SEARCH)
    assert stored.state == "accepted"
    world.runtime.warehouse.close()


def test_rejecting_needs_a_reason_first(tmp_path: Path, open_board: Open) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 18))
    page = open_board(world.runtime, OWNER_OF_SEARCH, "suggestions")
    reject = next(one for one in page.button if one.label == "Reject")
    assert reject.disabled
    (stored,) = world.runtime.warehouse.recommendations.list(OWNER_OF_SEARCH)
    with using(world.runtime):
        page.selectbox(key=f"reason-{stored.id}").select("peak_known").run()
        next(one for one in page.button if one.label == "Reject").click().run()
    events = world.runtime.warehouse.recommendations.events(stored.id)
    assert (events[-1].state, events[-1].reason, events[-1].principal) == ("rejected", "peak_known", "sam")
    world.runtime.warehouse.close()


def test_a_label_that_looks_like_markup_stays_text(world: World, open_board: Open) -> None:
    for board in BOARDS:
        page = open_board(world.runtime, PLATFORM, board)
        assert "<b>bold</b>" not in shown(page)
        assert not page.markdown, "nothing is rendered as markdown"
    st.cache_data.clear()


def test_the_week_is_shown_while_no_whole_month_is_stored(tmp_path: Path, open_board: Open) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 20) - timedelta(days=8), with_suggestions=False)
    page = open_board(world.runtime, LEADER, "leadership")
    assert page.selectbox(key="period").value == "7d"
    assert "14\N{EN DASH}20 Nov 2026" in shown(page)
    world.runtime.warehouse.close()
