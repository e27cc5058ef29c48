from datetime import date, timedelta

from models.initiatives.soak import DayHealth, SoakState, judge_soak

FIRST, LAST = date(2026, 10, 14), date(2026, 10, 16)


def days(count: int, *, bad: tuple[int, ...] = ()) -> list[DayHealth]:
    return [
        DayHealth(LAST + timedelta(days=n), ("3 OOM kills",) if n in bad else ()) for n in range(1, count + 1)
    ]


def test_a_stage_is_proposed_then_applied_then_soaks_then_is_confirmed():
    assert judge_soak(FIRST, LAST, FIRST - timedelta(days=1), []).state is SoakState.PROPOSED
    assert judge_soak(FIRST, LAST, LAST, []).state is SoakState.APPLIED
    assert judge_soak(FIRST, None, date(2027, 1, 1), days(50)).state is SoakState.APPLIED
    soak = judge_soak(FIRST, LAST, date(2026, 11, 1), days(6))
    assert (soak.state, soak.clean_day_count) == (SoakState.SOAKING, 6)
    soak = judge_soak(FIRST, LAST, date(2026, 11, 1), days(7))
    assert (soak.state, soak.confirmed_on) == (SoakState.CONFIRMED, date(2026, 10, 23))


def test_an_incident_starts_the_count_anew():
    soak = judge_soak(FIRST, LAST, date(2026, 11, 1), days(9, bad=(6,)))
    assert (soak.state, soak.clean_day_count) == (SoakState.SOAKING, 3)
    assert soak.last_incident == "22 Oct: 3 OOM kills"
    soak = judge_soak(FIRST, LAST, date(2026, 11, 1), days(13, bad=(6,)))
    assert soak.confirmed_on == date(2026, 10, 29)


def test_an_incident_after_the_seven_days_takes_nothing_back():
    assert judge_soak(FIRST, LAST, date(2026, 11, 9), days(20, bad=(8,))).confirmed_on == date(2026, 10, 23)
