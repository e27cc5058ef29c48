from __future__ import annotations

from datetime import date
from decimal import Decimal

from models.ownership.candidates import OwnerCandidate
from service.boards.formats import Tone, percent
from service.boards.unowned import word_unowned
from service.usecases.unowned import UnownedSpend, UnownedTotal, UnownedWorkload


def total(*, is_alarming: bool) -> UnownedTotal:
    return UnownedTotal("EUR", Decimal(1000), Decimal("30.504"), Decimal("20.10"), 0.0506, is_alarming)


def workload(name: str, unowned: str | None, **changes: object) -> UnownedWorkload:
    cost = None if unowned is None else Decimal(unowned)
    guessed = None if unowned is None else Decimal(1)
    values: dict[str, object] = {
        "cluster": "prod",
        "namespace": "lab",
        "workload_kind": "Deployment",
        "workload_name": name,
        "currency": "EUR" if cost is not None else None,
        "unowned_cost": cost,
        "guessed_cost": guessed,
        "share_ratio": 0.03 if cost is not None else None,
        "since": date(2026, 10, 5),
        "candidates": (OwnerCandidate("red", "same name"), OwnerCandidate("blue", "namespace")),
    }
    return UnownedWorkload(**{**values, **changes})  # type: ignore[arg-type]


def test_a_sentence_per_currency_names_amounts_with_their_currency_and_the_share() -> None:
    card = word_unowned(UnownedSpend("2026-10", (total(is_alarming=False),), ()))
    ((text, tone),) = card.sentences
    assert text == (
        "2026-10: 30.50 EUR has no owner, 20.10 EUR a guessed one; "
        f"together {percent(0.0506)} of workload cost."
    )
    assert tone is Tone.NEUTRAL


def test_too_much_unowned_cost_is_a_warning() -> None:
    card = word_unowned(UnownedSpend("2026-10", (total(is_alarming=True),), ()))
    assert card.sentences[0][1] is Tone.WARNING


def test_a_row_names_the_workload_its_whole_cost_since_when_and_who_it_may_be() -> None:
    (row,) = word_unowned(UnownedSpend("2026-10", (), (workload("web", "29"),))).rows
    assert (row.cluster, row.workload, row.cost, row.currency) == (
        "prod",
        "lab/Deployment/web",
        Decimal(30),
        "EUR",
    )
    assert (row.share, row.since, row.candidates) == (0.03, "5 Oct 2026", "red, blue")


def test_a_workload_without_a_price_has_no_cost_and_never_0() -> None:
    (row,) = word_unowned(UnownedSpend("2026-10", (), (workload("web", None, since=None),))).rows
    assert (row.cost, row.currency, row.share, row.since) == (None, "", None, "")


def test_the_dearest_fifty_are_shown() -> None:
    many = tuple(workload(f"w{number}", str(100 - number)) for number in range(60))
    rows = word_unowned(UnownedSpend("2026-10", (), many)).rows
    assert [row.workload for row in rows] == [f"lab/Deployment/w{number}" for number in range(50)]
