from datetime import date, timedelta

import pytest

from models.initiatives.soak import Soak, SoakState
from models.vocabulary.errors import Conflict
from service.usecases.initiatives_checks import check_closable
from service.usecases.initiatives_measure import Measurement

FIRST, LAST = date(2026, 10, 12), date(2026, 10, 14)


def close(state: str, *, days_before: int = 14, days_after: int = 5, clean: int = 0, age: int = 6) -> None:
    """Check a stage that ended ``age`` days ago, with so many final days around it."""
    before = [FIRST - timedelta(days=days) for days in range(days_before, 0, -1)]
    after = [LAST + timedelta(days=days) for days in range(1, days_after + 1)]
    measured = Measurement(state, "why", Soak(SoakState.SOAKING, clean))
    check_closable("stage", measured, [*before, *after], (FIRST, LAST), LAST + timedelta(days=age))


@pytest.mark.parametrize("state", ["planned", "running", "not_measurable"])
def test_a_stage_without_a_week_after_it_waits_for_that_week(state):
    with pytest.raises(Conflict, match=r"cannot be closed before 22 Oct 2026.*why"):
        close(state)


def test_a_soaking_stage_waits_for_the_clean_days_that_are_missing():
    with pytest.raises(Conflict, match="cannot be closed before 1 Nov 2026"):
        close("soaking", days_after=15, clean=5, age=16)


def test_a_final_result_is_closed():
    close("realised", days_after=9, clean=7, age=10)
    close("not_measurable", days_before=3)
    close("not_measurable", days_after=8, age=9)
    close("not_measurable", days_after=0, age=29)
