from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from support.board_world import WORKLOADS, recommendation

from models.vocabulary.recommendation import ResourceValues
from service.boards.inbox import build_row, filter_rows, kind_of, raised_resources
from warehouse.database.recommendations import StoredRecommendation

GIB = 2.0**30
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)


def advice(
    cpu: tuple[float | None, float | None], memory: tuple[float | None, float | None], saving: str = "5"
):
    now = ResourceValues(cpu[0], None, memory[0] and memory[0] * GIB, None)
    then = ResourceValues(cpu[1], None, memory[1] and memory[1] * GIB, None)
    return recommendation(WORKLOADS[0], AS_OF, saving, current=now, advised=then)


@pytest.mark.parametrize(
    ("cpu", "memory", "kind", "raised"),
    [
        ((2.0, 1.0), (4.0, 3.0), "save", []),
        ((2.0, 1.0), (4.0, 4.0), "save", []),
        ((2.0, 1.0), (4.0, 5.0), "mixed", ["memory"]),
        ((1.0, 2.0), (4.0, 3.0), "mixed", ["cpu"]),
        ((1.0, 2.0), (4.0, 4.0), "raise", ["cpu"]),
        ((None, 0.5), (4.0, 4.0), "raise", ["cpu"]),
        ((None, 0.5), (None, 1.0), "raise", ["cpu", "memory"]),
    ],
)
def test_a_suggestion_is_a_saving_an_increase_or_both(
    cpu: tuple[float | None, float | None],
    memory: tuple[float | None, float | None],
    kind: str,
    raised: list[str],
) -> None:
    found = advice(cpu, memory)
    assert kind_of(found) == kind
    assert raised_resources(found) == raised


def test_the_list_speaks_in_cores_and_gib() -> None:
    found = advice((2.0, 0.4), (1.5, 1307 / 1024))
    stored = StoredRecommendation.__new__(StoredRecommendation)
    for name, value in {"id": "a", "state": "proposed", "team": "search", "recommendation": found}.items():
        object.__setattr__(stored, name, value)
    row = build_row(stored)
    arrow = "\N{RIGHTWARDS ARROW}"
    assert (row.cpu, row.memory, row.raised) == (f"2.00 {arrow} 0.40", f"1.50 {arrow} 1.28", "")
    assert filter_rows((row,), state="all", team=None, cluster=None, kind="save") == (row,)
    assert filter_rows((row,), state="all", team=None, cluster=None, kind="mixed") == ()
    assert row.saving == Decimal(5)
