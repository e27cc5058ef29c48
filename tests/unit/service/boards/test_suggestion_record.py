from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from support.recommendations import suggestion
from support.warehouse import NOON

from models.vocabulary.recommendation import (
    ExplanationRecord,
    PastRisk,
    ResourceEvidence,
    ResourceValues,
    RivalQuote,
    Rollback,
    StatedSavings,
)
from service.boards.formats import NOT_KNOWN
from service.boards.suggestion_record import word_record

SAVINGS = StatedSavings(Decimal("12.34"), "EUR", "Pool general: 200.00 EUR a month.", "Not measured yet.")


def record(**fields: object) -> ExplanationRecord:
    evidence = ResourceEvidence("cpu", "p95 of 14 days", 0.4, None, 0.5, 0.5)
    values: dict[str, object] = {
        "cpu": evidence,
        "memory": replace(evidence, resource="memory"),
        "window_start": NOON,
        "window_end": NOON,
        "history_days": 14.0,
        "sample_count": 4032,
        "sample_coverage_ratio": 1.0,
        "rivals": (RivalQuote("vpa", "p90 +15 %", 0.7, 2.0**30), RivalQuote("krr", "p95", None, None)),
        "past_risk": PastRisk(0.02, 0.001, 0.0125, 0.0, 9),
        "savings": SAVINGS,
        "rollback": Rollback(ResourceValues(1.0), "Apply the old values: 1 core."),
        "sentence": "CPU 1 to 0.5 cores.",
        "notes": ("Its pods start once a night.",),
    }
    return ExplanationRecord(**(values | fields))  # type: ignore[arg-type]


def worded(**fields: object):
    view = word_record(replace(suggestion(), record=record(**fields)))
    assert view is not None
    return view


def test_a_suggestion_stored_before_records_shows_none():
    assert word_record(suggestion()) is None


def test_the_three_savings_stand_beside_each_other_and_are_never_added():
    texts = dict(worded().savings)
    assert texts["Requested saving"] == "12.34 EUR a month in lower requests; not yet money"
    assert texts["Bankable saving"] == SAVINGS.bankable
    assert texts["Realised saving"] == "Not measured yet."


def test_an_increase_says_what_it_costs_and_an_unpriced_one_why():
    dearer = dict(worded(savings=replace(SAVINGS, requested_per_month=Decimal(-3))).savings)
    assert dearer["Requested saving"] == "Costs 3.00 EUR a month in higher requests"
    unknown = replace(SAVINGS, requested_per_month=None, currency=None, unpriced_because="no price of m7g")
    assert dict(worded(savings=unknown).savings)["Requested saving"] == "no price of m7g"


def test_what_others_would_set_stands_under_the_advice_and_missing_is_a_dash():
    rows = worded().quotes
    assert [row.system for row in rows] == ["Now", "Advised", "Vertical Pod Autoscaler", "KRR"]
    assert [row.is_ours for row in rows] == [True, True, False, False]
    assert rows[2].cpu == "0.70 cores"
    assert rows[3].cpu == rows[3].memory == NOT_KNOWN


def test_the_replay_names_its_days_and_both_shares():
    assert "over 9 days" in worded().past_risk
    assert "1.25 % of samples (2.00 % stated)" in worded().past_risk
    assert "0.00 % of days (0.10 % stated)" in worded().past_risk
    assert worded(past_risk=None).past_risk == "Its history is too short to replay the rule on it."


def test_notes_and_the_way_back_are_shown():
    assert worded().goes_with == (("Good to know", "Its pods start once a night."),)
    assert worded().way_back == "Apply the old values: 1 core."
