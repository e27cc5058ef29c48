"""Every figure of the boards on a company whose cost follows from formulas, worked out here a second time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from support.board_world import (
    FINANCE,
    LAST_DAY,
    LEADER,
    NOW,
    OWNER_OF_PAYMENTS,
    OWNER_OF_SEARCH,
    PLATFORM,
    World,
    build_world,
    team_total,
    total_of,
    write_suggestions,
)

from models.vocabulary.errors import Forbidden, InputError, NotFound
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from service.boards.chargeback import read_chargeback
from service.boards.deciding import decide
from service.boards.formats import Tone, headline_money, money
from service.boards.health import read_health
from service.boards.inbox import filter_rows, read_inbox
from service.boards.leadership import LeadershipBoard, read_leadership
from service.boards.suggestion import read_suggestion
from service.http.chargeback import export_bytes
from service.usecases.chargeback_export import export_chargeback
from warehouse.observed import WindowState


def november(world: World) -> list[date]:
    return [day for day in world.days if day.month == 11]


def october(world: World, count: int = 31) -> list[date]:
    return [day for day in world.days if day.month == 10][:count]


def figure(board: LeadershipBoard, key: str) -> tuple[str, str, str]:
    found = next(figure for figure in board.figures if figure.key == key)
    return found.value, found.note, found.detail


def test_cost_to_date_is_compared_with_the_same_number_of_days(world: World) -> None:
    board = read_leadership(world.runtime, LEADER)
    now, before = total_of(november(world)), total_of(october(world, 20))
    assert board.total == now
    cost = board.figures[0]
    assert cost.value == headline_money(now, "EUR")
    assert cost.note == "1\N{EN DASH}20 Nov 2026"
    assert cost.detail == "against 1\N{EN DASH}20 Oct 2026"
    assert cost.change is not None
    assert cost.change.tone is Tone.GOOD
    difference = headline_money(now - before, "EUR")
    assert cost.change.text.startswith(f"\N{BLACK DOWN-POINTING TRIANGLE} {difference} (")


def test_the_team_table_sums_to_the_headline_in_cost_and_in_change(world: World) -> None:
    board = read_leadership(world.runtime, LEADER)
    *rows, total = board.teams
    assert total.kind == "total"
    assert sum(row.cost for row in rows) == total.cost == board.total
    assert sum(row.change or 0 for row in rows) == total.change
    assert total.change == total_of(november(world)) - total_of(october(world, 20))
    assert {row.label for row in rows} >= {"search", "(no owner)", "(idle capacity)", "(overhead)"}
    assert next(row for row in rows if row.label == "search").cost == team_total("search", november(world))
    assert sum(row.share or 0 for row in rows) == pytest.approx(1.0)


def test_where_the_money_goes_sums_to_the_whole(world: World) -> None:
    board = read_leadership(world.runtime, LEADER)
    assert [share.key for share in board.causes] == ["used", "unused", "idle", "overhead"]
    assert sum(share.amount for share in board.causes) == board.total
    assert sum(share.ratio for share in board.causes) == pytest.approx(1.0)


def test_owned_share_counts_rules_and_labels_and_shows_guessed_beside_it(world: World) -> None:
    value, note, detail = figure(read_leadership(world.runtime, LEADER), "owned")
    # cents a day: rules and labels 142,000, guessed 10,500, unowned 4,000
    assert value == "90.7 %"
    assert note == "guessed beside it: 6.7 %"
    assert detail == "without owner: 805 EUR"


def test_used_share_is_of_the_whole_cost(world: World) -> None:
    board = read_leadership(world.runtime, LEADER)
    used = next(share for share in board.causes if share.key == "used")
    assert figure(board, "used")[0] == f"{float(used.amount / board.total) * 100:.1f} %"


def test_the_budget_is_prorated_to_the_final_days(world: World) -> None:
    board = read_leadership(world.runtime, LEADER)
    value, note, detail = figure(board, "budget")
    assert note == "month: 58,000 EUR"
    assert detail.endswith("of 38,667 EUR by this day")
    assert value == f"{float(board.total / (Decimal(58000) * 20 / 30)) * 100:.1f} %"


def test_savings_stand_apart_and_what_is_not_measured_says_so(world: World) -> None:
    value, _, detail = figure(read_leadership(world.runtime, LEADER), "realised")
    assert value == "not measured yet"
    assert detail == "only requested: 660.45 EUR a month"


def test_the_sentence_names_the_largest_parts_of_the_change(world: World) -> None:
    sentence = read_leadership(world.runtime, LEADER).sentence
    assert "less than in 1\N{EN DASH}20 Oct 2026" in sentence
    assert sentence.index("(idle capacity)") < sentence.index("search")


def test_a_stage_shows_the_same_weekdays_before_and_after(world: World) -> None:
    (stage,) = read_leadership(world.runtime, LEADER).stages
    assert stage.when == "5\N{EN DASH}6 Nov 2026"
    assert "29 Oct \N{EN DASH} 4 Nov against 7\N{EN DASH}13 Nov" in stage.note
    assert stage.cpu == "1,000.0 \N{RIGHTWARDS ARROW} 760.0"
    assert stage.cost_tone is Tone.GOOD
    assert stage.state == "not measurable: only one pool is untouched, so chance cannot be told from saving"


def test_simulated_data_says_so(world: World) -> None:
    marks = [mark.key for mark in read_leadership(world.runtime, LEADER).header.marks]
    assert marks == ["simulated"]


def test_assumed_prices_are_marked_with_their_share(tmp_path: Path) -> None:
    world = build_world(tmp_path, with_suggestions=False, assumed=True)
    board = read_leadership(world.runtime, LEADER)
    mark = next(mark for mark in board.header.marks if mark.key == "assumed")
    assert mark.text.endswith("% assumed prices")
    assert any(line.key == "assumed" for line in board.attention)
    checks = {check.key: check for check in read_chargeback(world.runtime, FINANCE).checks}
    assert not checks["priced"].is_passed
    assert checks["priced"].is_blocking


def test_a_month_that_begins_in_the_middle_prints_its_days_and_no_change(tmp_path: Path) -> None:
    world = build_world(tmp_path, first=date(2026, 11, 10), with_suggestions=False)
    opening = read_leadership(world.runtime, LEADER)
    assert opening.period.name == "7d"
    board = read_leadership(world.runtime, LEADER, "2026-11")
    assert board.figures[0].note == "10\N{EN DASH}20 Nov, 11 of 20"
    assert board.figures[0].change is None
    assert all(row.change is None for row in board.teams)
    assert figure(board, "forecast")[1] == "needs 28 final days, has 11"
    assert board.total == total_of(world.days)


def test_a_gap_takes_its_day_out_of_the_figure_and_is_named(tmp_path: Path) -> None:
    hour = datetime(2026, 11, 12, 7, tzinfo=UTC)
    gap = ("shop-eu", hour, WindowState.FAILED, "Prometheus did not answer")
    world = build_world(tmp_path, gaps=[gap], with_suggestions=False)
    board = read_leadership(world.runtime, LEADER)
    assert len(board.period.covered) == 19
    assert board.total == total_of([day for day in november(world) if day != hour.date()])
    assert any(line.key == "missing_days" for line in board.attention)
    health = read_health(world.runtime, LEADER)
    (row,) = health.gaps
    assert (row.cluster, row.hour_count, row.reason) == ("shop-eu", 1, "Prometheus did not answer")
    cell = next(c for c in health.calendar if c.cluster == "shop-eu" and c.day == hour.date())
    assert (cell.state, cell.hours_text) == ("failed", "23 of 24 hours")


@pytest.mark.parametrize(("hours_later", "tone"), [(30, None), (40, Tone.WARNING), (80, Tone.BAD)])
def test_old_data_turns_amber_then_red_and_hides_the_forecast(
    world: World, hours_later: int, tone: Tone | None
) -> None:
    final_end = datetime(2026, 11, 21, tzinfo=UTC)
    board = read_leadership(world.runtime.at(final_end + timedelta(hours=hours_later)), LEADER, "2026-11")
    stale = [mark for mark in board.header.marks if mark.key == "stale"]
    assert [mark.tone for mark in stale] == ([] if tone is None else [tone])
    if tone is Tone.BAD:
        assert board.attention[0].key == "stale"
        assert figure(board, "forecast")[1] == "hidden: the data is too old"


def test_the_chargeback_board_shows_the_totals_of_its_file(world: World, tmp_path: Path) -> None:
    board = read_chargeback(world.runtime, FINANCE, "2026-10")
    assert board.total == round(total_of(october(world)), 2)
    assert sum(line.amount for line in board.lines) == board.total
    written = export_chargeback(world.runtime, FINANCE, "2026-10", output_file=tmp_path / "file.csv")
    served = export_bytes(world.runtime, FINANCE, "2026-10", "summary")
    assert served.content == written.path.read_bytes()
    assert served.sha256 == written.sha256
    header, *rows = served.content.decode().splitlines()
    column = header.split(",").index("EffectiveCost")
    assert sum(Decimal(row.split(",")[column]) for row in rows) == board.total
    assert len(rows) == len(board.lines)


def test_an_export_is_written_into_the_audit_log(world: World) -> None:
    served = export_bytes(world.runtime, FINANCE, "2026-10", "detail")
    entry = world.runtime.warehouse.audit.list(FINANCE)[0]
    assert (entry.principal, entry.action, entry.subject) == ("fin", "export chargeback", "2026-10")
    assert entry.detail["sha256"] == served.sha256


def test_the_inbox_lists_the_largest_saving_first_and_counts_silence(world: World) -> None:
    inbox = read_inbox(world.runtime, PLATFORM)
    assert [row.workload for row in inbox.rows] == ["search-api", "ledger", "unknown", "storefront"]
    figures = {figure.key: figure.value for figure in inbox.figures}
    assert figures["open"] == "4"
    assert figures["requested"] == money(Decimal("660.45"), "EUR")
    assert figures["increases"] == "1"
    assert {row.reason: row.container_count for row in inbox.silences} == {
        "short_lived": 1,
        "too_little_history": 1,
        "within_hysteresis": 1,
    }
    increases = filter_rows(inbox.rows, state="proposed", team=None, cluster=None, kind="raise")
    assert [row.workload for row in increases] == ["storefront"]


def test_a_suggestion_shows_evidence_risk_money_and_patch(world: World) -> None:
    row = read_inbox(world.runtime, PLATFORM).rows[0]
    detail = read_suggestion(world.runtime, PLATFORM, row.id)
    assert detail.title == "search-api / app"
    assert [(value.now, value.advised, value.is_changed) for value in detail.values] == [
        ("2.00 cores", "0.80 cores", True),
        ("4.00 cores", "4.00 cores", False),
        ("4.00 GiB", "2.50 GiB", True),
        ("4.00 GiB", "4.00 GiB", False),
    ]
    assert detail.risk.startswith("CPU goes over the request")
    assert detail.money_lines[0] == "Requested saving: 412.35 EUR a month (not yet money)"
    assert len(detail.evidence) == 120
    assert max(hour.cpu_usage_cores_max_5m or 0 for hour in detail.evidence) == pytest.approx(0.9)
    patches = {patch.name: patch for patch in detail.carrying.patches}
    assert 'cpu: "800m"' in patches["strategic"].text
    assert 'cpu: "2"' in patches["strategic"].rollback
    assert detail.may_decide


@pytest.fixture
def own_world(tmp_path: Path) -> World:
    """Return a company of the test's own, to decide in."""
    return build_world(tmp_path, first=date(2026, 11, 18), last=LAST_DAY)


def test_a_decision_is_recorded_with_who_took_it(own_world: World) -> None:
    runtime = own_world.runtime
    row = read_inbox(runtime, OWNER_OF_SEARCH).rows[0]
    detail = read_suggestion(runtime, OWNER_OF_SEARCH, row.id)
    said = decide(runtime, OWNER_OF_SEARCH, (detail.id, detail.etag), RecommendationState.ACCEPTED)
    assert said.is_recorded
    assert said.text == "Recorded: accepted by sam."
    events = runtime.warehouse.recommendations.events(row.id, OWNER_OF_SEARCH)
    assert (events[-1].state, events[-1].principal) == (RecommendationState.ACCEPTED, "sam")
    assert not read_suggestion(runtime, OWNER_OF_SEARCH, row.id).may_decide


def test_a_rejection_needs_a_reason_and_a_snooze_comes_back(own_world: World) -> None:
    runtime = own_world.runtime
    first, second, *_ = read_inbox(runtime, PLATFORM).rows
    one = read_suggestion(runtime, PLATFORM, first.id)
    with pytest.raises(InputError, match="reason"):
        decide(runtime, PLATFORM, (one.id, one.etag), RecommendationState.REJECTED)
    reason = RejectionReason.PEAK_KNOWN
    decide(runtime, PLATFORM, (one.id, one.etag), RecommendationState.REJECTED, reason=reason)
    two = read_suggestion(runtime, PLATFORM, second.id)
    decide(runtime, PLATFORM, (two.id, two.etag), RecommendationState.SNOOZED, snooze_days=7)
    stored = runtime.warehouse.recommendations.get(second.id)
    assert stored.snoozed_until == NOW + timedelta(days=7)
    assert "A known peak needs it" in read_suggestion(runtime, PLATFORM, first.id).history[-1]


def test_deciding_on_a_stale_suggestion_is_refused_in_words(own_world: World) -> None:
    runtime = own_world.runtime
    row = read_inbox(runtime, PLATFORM).rows[0]
    said = decide(runtime, PLATFORM, (row.id, "0" * 16), RecommendationState.ACCEPTED)
    assert not said.is_recorded
    assert said.text.startswith("This suggestion has changed since you opened it")


def test_deciding_twice_says_that_it_was_decided(own_world: World) -> None:
    runtime = own_world.runtime
    detail = read_suggestion(runtime, PLATFORM, read_inbox(runtime, PLATFORM).rows[0].id)
    decide(runtime, PLATFORM, (detail.id, detail.etag), RecommendationState.ACCEPTED)
    again = decide(runtime, PLATFORM, (detail.id, detail.etag), RecommendationState.ACCEPTED)
    assert not again.is_recorded
    assert "cannot become accepted" in again.text


def test_nobody_decides_for_another_team(own_world: World) -> None:
    runtime = own_world.runtime
    row = read_inbox(runtime, PLATFORM).rows[0]
    etag = runtime.warehouse.recommendations.get(row.id).etag
    with pytest.raises(NotFound):
        decide(runtime, OWNER_OF_PAYMENTS, (row.id, etag), RecommendationState.ACCEPTED)
    with pytest.raises(Forbidden):
        decide(runtime, LEADER, (row.id, etag), RecommendationState.ACCEPTED)
    reader = read_suggestion(runtime, LEADER, row.id)
    assert not reader.may_decide
    assert reader.why_not == "You may read this suggestion but not decide on it: it belongs to search."


def test_a_run_that_says_the_same_again_changes_no_suggestion(own_world: World) -> None:
    runtime = own_world.runtime
    before = [(row.id, row.state) for row in read_inbox(runtime, PLATFORM).rows]
    write_suggestions(runtime, NOW)
    assert [(row.id, row.state) for row in read_inbox(runtime, PLATFORM).rows] == before
