"""A stored suggestion reads back as it was written, and one of an older version still reads."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from support.recommendations import suggestion

from models.vocabulary.recommendation import (
    ExplanationRecord,
    PastRisk,
    ResourceEvidence,
    RivalQuote,
    Rollback,
    RuntimeHint,
    SilenceReason,
    StatedSavings,
)
from warehouse.database.recommendation_rows import from_row, to_values


def row_of(advice):
    """Return a stored row; columns of its later life are not set yet."""
    return defaultdict(lambda: None, {**to_values(advice, "shop"), "id": "one"})


def read_back(advice):
    return from_row(row_of(advice)).recommendation


def with_record():
    advice = suggestion()
    record = ExplanationRecord(
        cpu=ResourceEvidence("cpu", "p98", 0.4, None, 0.5, 0.5, advice.guard_rails),
        memory=ResourceEvidence(
            "memory", "maximum", 1e9, 0.1, 1.1e9, 1.1e9, (), SilenceReason.LEAKING_MEMORY
        ),
        window_start=advice.window_start,
        window_end=advice.window_end,
        history_days=7.0,
        sample_count=2016,
        sample_coverage_ratio=1.0,
        rivals=(RivalQuote("vpa", "rule", 0.3, None),),
        past_risk=PastRisk(0.02, 0.01, None, 0.0, 3),
        savings=StatedSavings(Decimal("12.345679"), "EUR", "per pool", "not measured yet"),
        rollback=Rollback(advice.current, "runbook"),
        sentence="In words.",
        notes=("one",),
        runtime=RuntimeHint("jvm", "env", "words", {"-Xmx": "1g"}),
    )
    return replace(advice, record=record, group_id="g", is_injected=True)


def test_a_record_reads_back_as_it_was_written():
    advice = with_record()
    again = read_back(advice)
    assert again == advice
    assert again.record.memory.kept is SilenceReason.LEAKING_MEMORY
    assert again.record.savings.requested_per_month == Decimal("12.345679")


def test_rows_of_an_older_version_take_the_defaults():
    row = row_of(suggestion())
    for name in ("record", "group_id", "is_injected", "replicas", "hpa"):
        del row["content"][name]
    old = from_row(row).recommendation
    assert old == suggestion()
    assert old.record is None


def test_instants_written_by_an_older_version_are_read():
    row = row_of(suggestion())
    row["content"] = {**row["content"], "as_of": suggestion().as_of.isoformat()}
    assert from_row(row).recommendation.as_of == suggestion().as_of
