"""What people do on the boards, in a real Chromium against a real server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import Browser, expect
from support.board_world import World
from support.browser import ONE_TIME, VIEWPORT, Visit, visiting

from service.access import local_principal
from service.boards import leadership
from service.boards.chargeback import read_chargeback
from service.boards.leadership import read_leadership
from service.http.gate import SESSION_COOKIE
from service.usecases.chargeback_export import export_chargeback

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

BOARDS = ("", "changes", "suggestions", "chargeback", "oversell", "programme", "health")
SMALL_SCREENS = ((1280, 800), (390, 844))


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_opens_and_asks_nobody_else(visit: Visit, board: str) -> None:
    problems: list[str] = []
    visit.page.on("pageerror", lambda problem: problems.append(str(problem)))
    page = visit.open(f"/{board}")
    expect(page.locator(".mc-header h1").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    expect(page.locator(".mc-state.mc-bad")).to_have_count(0)
    assert visit.foreign_requests == []
    assert problems == []


def test_the_cost_board_shows_the_figures_of_the_read_model_on_one_screen(visit: Visit, world: World) -> None:
    page = visit.open("/")
    board = read_leadership(world.runtime, local_principal())
    for figure in board.figures:
        card = page.locator(f"[data-figure={figure.key}] .mc-value")
        assert " ".join(card.inner_text().split()) == figure.value
    assert page.locator(".mc-figure").count() <= 6
    assert page.locator(".mc-sentence").inner_text() == board.sentence
    for share in board.causes:
        expect(page.get_by_text(share.amount_text, exact=True).first).to_be_visible()
    main = page.locator("[data-testid=stMain]")
    height = main.evaluate("element => element.scrollHeight")
    assert height <= VIEWPORT["height"], "the cost board fits one screen"


def test_the_totals_of_the_team_table_are_on_screen_and_add_up(visit: Visit, world: World) -> None:
    page = visit.open("/")
    board = read_leadership(world.runtime, local_principal())
    total = page.locator("tr[data-payer=total]")
    assert total.locator("td").first.inner_text() + " EUR" == board.total_text
    for kind in ("idle", "overhead", "unowned", "total"):
        box = page.locator(f"tr[data-payer={kind}]").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= VIEWPORT["height"]


def test_the_one_time_link_leaves_no_secret_in_the_address_and_opens_the_board_again(
    browser: Browser, base: str
) -> None:
    with visiting(browser, base) as first:
        page = first.open("/chargeback?month=2026-10")
        assert page.url.startswith(f"{base}/chargeback")
        assert ONE_TIME not in page.url
        cookie = next(one for one in page.context.cookies() if one["name"] == SESSION_COOKIE)
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        assert ONE_TIME not in cookie["value"]
        history = page.evaluate("performance.getEntriesByType('navigation').map(one => one.name)")
        assert ONE_TIME not in str(history)
        assert ONE_TIME not in page.content()


def test_a_name_that_resolves_here_needs_the_link(browser: Browser, base: str) -> None:
    address = base.replace("127.0.0.1", "rebound.localhost")
    with visiting(browser, address) as stranger:
        answer = stranger.page.goto(address)
        assert answer is not None
        assert answer.status == 401


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_fits_small_screens_and_names_its_pictures(visit: Visit, board: str) -> None:
    page = visit.open(f"/{board}")
    for selector in ("[data-testid=stVegaLiteChart]", "[role=img]", "[data-testid=stDataFrame]"):
        for found in page.locator(selector).all():
            name = found.evaluate(
                "e => e.getAttribute('aria-label') || e.querySelector('[aria-label]')?.ariaLabel || ''"
            )
            assert name, f"{selector} on {board or 'the cost board'} has no text"
    for width, height in SMALL_SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(400)
        assert page.evaluate(_WIDER) == [], f"wider than {width} pixels"


_WIDER = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  if (main.scrollWidth <= main.clientWidth && document.documentElement.scrollWidth <= innerWidth) return [];
  return [...main.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.className || e.tagName).slice(0, 5);
}"""


def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit: Visit) -> None:
    page = visit.open("/")
    reached = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        name, shows = page.evaluate(_FOCUSED)
        reached.add(name)
        if page.evaluate("document.activeElement.matches('a, button, input, .mc-help')"):
            assert shows, f"nobody sees that {name} has the focus"
    assert {"Suggestions", "Data health"} <= reached


_FOCUSED = """() => {
  const e = document.activeElement;
  const shows = [e, e.parentElement, e.parentElement?.parentElement].filter(Boolean)
    .map(one => getComputedStyle(one))
    .some(style => style.outlineStyle !== "none" || style.boxShadow !== "none");
  return [e.innerText?.trim().split("\\n").pop() || e.getAttribute("aria-label") || e.tagName, shows];
}"""


def test_a_board_that_loads_shows_its_frame_first(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    calm, may_go_on = leadership.read_leadership, threading.Event()

    def held(*arguments: Any, **options: Any) -> Any:
        may_go_on.wait(120)
        return calm(*arguments, **options)

    monkeypatch.setattr(leadership, "read_leadership", held)
    try:
        _open_unread(visit)
    finally:
        may_go_on.set()
    visit.settle()
    expect(visit.page.locator(".mc-figure")).to_have_count(6)
    expect(visit.page.locator("[data-testid=stSkeleton]")).to_have_count(0)


def _open_unread(visit: Visit) -> None:
    """Open the cost board until its skeleton shows: a page of an earlier test may still fill the cache."""
    frame = visit.page.locator("[data-testid=stSkeleton]").first
    for seconds in (20, 20, 40):
        st.cache_data.clear()
        visit.page.goto(f"{visit.base}/?token={ONE_TIME}")
        try:
            expect(frame).to_be_visible(timeout=seconds * 1000)
        except AssertionError:
            continue
        return
    expect(frame).to_be_visible()


def test_the_menu_and_the_deploy_button_are_hidden(visit: Visit) -> None:
    page = visit.open("/")
    expect(page.locator("[data-testid=stAppDeployButton]")).to_have_count(0)
    expect(page.get_by_text("Deploy")).to_have_count(0)


def test_a_period_is_part_of_the_address(visit: Visit) -> None:
    page = visit.open("/?period=October+2026")
    if "1\N{EN DASH}31 Oct 2026" not in page.locator("[data-figure=cost]").inner_text():
        page = visit.open("/?period=2026-10")
    expect(page.locator("[data-figure=cost]")).to_contain_text("1\N{EN DASH}31 Oct 2026")
    assert "period=" in page.url
    assert "token=" not in page.url


def test_a_suggestion_is_accepted_in_the_browser(visit: Visit, world: World) -> None:
    page = visit.open("/suggestions")
    title = page.locator(".mc-header h1.mc-small").inner_text()
    assert title == "search-api / app"
    page.get_by_test_id("stBaseButton-primary").click()
    visit.settle()
    expect(page.locator(".mc-state.mc-good")).to_contain_text("Recorded: accepted by")
    expect(page.locator(".mc-header h1.mc-small")).not_to_have_text(title)
    events = [
        event
        for stored in world.runtime.warehouse.recommendations.list(local_principal())
        if stored.recommendation.key.workload.name == "search-api"
        for event in world.runtime.warehouse.recommendations.events(stored.id)
    ]
    assert [(event.state, event.principal) for event in events] == [
        ("proposed", "millicore"),
        ("accepted", local_principal().id),
    ]


def test_a_suggestion_is_rejected_with_a_reason_in_the_browser(visit: Visit, world: World) -> None:
    page = visit.open("/suggestions?team=payments")
    expect(page.locator(".mc-header h1.mc-small")).to_have_text("ledger / app")
    page.get_by_role("button", name="Reject").first.click()
    popover = page.locator("[data-testid=stPopoverBody]")
    expect(popover.get_by_role("button", name="Reject")).to_be_disabled()
    popover.get_by_role("combobox").first.click()
    page.get_by_role("option", name="A known peak needs it").click()
    visit.settle()
    button = popover.get_by_role("button", name="Reject")
    expect(button).to_be_enabled()
    button.click()
    visit.settle()
    expect(page.locator(".mc-state.mc-good")).to_contain_text("Recorded: rejected by")
    stored = next(
        one
        for one in world.runtime.warehouse.recommendations.list(local_principal())
        if one.recommendation.key.workload.name == "ledger"
    )
    event = world.runtime.warehouse.recommendations.events(stored.id)[-1]
    assert (event.state, event.reason) == ("rejected", "peak_known")


def test_a_downloaded_file_has_the_bytes_of_the_command_line(
    visit: Visit, world: World, tmp_path: Path
) -> None:
    page = visit.open("/chargeback")
    board = read_chargeback(world.runtime, local_principal())
    shown = " ".join(page.locator("[data-figure=total] .mc-value").inner_text().split())
    assert shown == board.figures[0].value
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Summary CSV").click()
    saved = tmp_path / "downloaded.csv"
    waiting.value.save_as(saved)
    written = export_chargeback(
        world.runtime, local_principal(), "2026-10", output_file=tmp_path / "exported.csv"
    )
    assert saved.read_bytes() == written.path.read_bytes()
    assert waiting.value.suggested_filename.startswith("chargeback_2026-10")


def test_a_label_of_an_attacker_is_only_text(visit: Visit) -> None:
    page = visit.open("/suggestions?team=(no+owner)")
    expect(page.locator(".mc-header h1.mc-small")).to_have_text("unknown / app")
    expect(page.get_by_text("![x](http://evil.example/x.png)<b>bold</b>").first).to_be_visible()
    expect(page.locator("img[src*=evil]")).to_have_count(0)
    visit.open("/chargeback")
    visit.open("/")
    assert visit.foreign_requests == []


def test_a_stranger_behind_a_proxy_is_turned_away_everywhere(browser: Browser, base: str) -> None:
    with visiting(browser, base, extra_http_headers={"X-Forwarded-For": "203.0.113.9"}) as stranger:
        answer = stranger.page.goto(base)
        assert answer is not None
        assert answer.status == 401
        expect(stranger.page.get_by_text("sign in first")).to_be_visible()
        for path in ("/suggestions", "/media/x.csv", "/v1/chargeback/2026-10", "/_stcore/host-config"):
            found = stranger.page.request.get(f"{base}{path}")
            assert found.status == 401, path
        socket_state = stranger.page.evaluate(
            """address => new Promise(done => {
                 const socket = new WebSocket(address);
                 socket.onopen = () => done("open");
                 socket.onerror = () => done("refused");
               })""",
            base.replace("http", "ws") + "/_stcore/stream",
        )
        assert socket_state == "refused"


def test_a_page_of_another_site_cannot_use_the_boards_socket(browser: Browser, base: str) -> None:
    with visiting(browser, base) as other:
        other.page.goto("data:text/html,<title>other site</title>")
        state = other.page.evaluate(
            """address => new Promise(done => {
                 const socket = new WebSocket(address);
                 socket.onopen = () => done("open");
                 socket.onerror = () => done("refused");
               })""",
            base.replace("http", "ws") + "/_stcore/stream",
        )
        assert state == "refused"
