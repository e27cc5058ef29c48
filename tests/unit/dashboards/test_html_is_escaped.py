from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from dashboards.components import html
from service.boards.chargeback import Check
from service.boards.figures import BoardHeader, Change, Figure, Mark
from service.boards.formats import Tone
from service.boards.leadership_tables import AttentionLine, StageRow
from service.boards.leadership_teams import TeamRow
from service.boards.leadership_views import CauseShare
from service.boards.programme_initiatives import Cell, InitiativeCard
from service.boards.suggestion import ValueRow

EVIL = "<img src=x onerror=alert(1)>\"'`![x](http://evil.example)`</b>"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is handed to st.html."""
    found: list[str] = []
    monkeypatch.setattr(html.st, "html", lambda body: found.append(str(body)))
    return found


@pytest.mark.parametrize(
    "show",
    [
        lambda: html.show_header(BoardHeader(EVIL, EVIL, (Mark(EVIL, EVIL, Tone.BAD),))),
        lambda: html.show_figures([Figure(EVIL, EVIL, EVIL, Change(EVIL, Tone.GOOD), EVIL, EVIL, EVIL)]),
        lambda: html.show_figures([Figure("cost", "Cost", f"12 {EVIL}")]),
        lambda: html.show_sentence(EVIL),
        lambda: html.show_title(EVIL, EVIL),
        lambda: html.show_note(EVIL),
        lambda: html.show_causes([CauseShare("used", EVIL, 1, 1.0, EVIL, EVIL)]),
        lambda: html.show_attention([AttentionLine(EVIL, EVIL, Tone.BAD)]),
        lambda: html.show_stages(
            [StageRow(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, Tone.GOOD, EVIL, EVIL)], EVIL
        ),
        lambda: html.show_state(EVIL, Tone.BAD, EVIL),
        lambda: html.show_values([ValueRow(EVIL, EVIL, EVIL, is_changed=True)]),
        lambda: html.show_paragraph(EVIL, EVIL, EVIL),
        lambda: html.show_pairs(EVIL, [(EVIL, EVIL)]),
        lambda: html.show_checks([Check(EVIL, EVIL, EVIL, is_passed=False)]),
        lambda: html.show_downloads([(EVIL, f"/v1/{EVIL}")]),
        lambda: html.show_items([(EVIL, Tone.BAD.value, EVIL, EVIL)]),
        lambda: html.show_initiatives(
            [InitiativeCard(EVIL, EVIL, EVIL, EVIL, Tone.GOOD, (Cell(EVIL, EVIL, EVIL),), (EVIL,))]
        ),
        lambda: html.show_footer(EVIL),
        lambda: html.show_team_table(
            [TeamRow(EVIL, EVIL, Decimal(1), 0.5, None, None, None, EVIL, (1.0,))], EVIL
        ),
    ],
)
def test_no_value_becomes_markup(show: Callable[[], None], written: list[str]) -> None:
    show()
    assert written
    for body in written:
        assert "<img" not in body
        assert 'onerror=alert(1)>"' not in body
    assert "&lt;img" in " ".join(written)


@pytest.mark.parametrize(
    ("value", "number", "unit"),
    [
        ("12,345 EUR", "12,345", "EUR"),
        ("\N{MINUS SIGN}12.50 EUR", "\N{MINUS SIGN}12.50", "EUR"),
        ("98.3 %", "98.3", "%"),
        ("0.50\N{MULTIPLICATION SIGN}", "0.50", "\N{MULTIPLICATION SIGN}"),
        ("3 of 5", "3", "of 5"),
        ("5 hours ago", "5", "hours ago"),
    ],
)
def test_the_number_of_a_figure_is_larger_than_its_unit(
    value: str, number: str, unit: str, written: list[str]
) -> None:
    html.show_figures([Figure("cost", "Cost", value)])
    assert f'<div class="mc-value">{number} <small>{unit}</small></div>' in written[0]


@pytest.mark.parametrize("value", ["not measured yet", "20 Nov 2026", "\N{EM DASH}"])
def test_words_and_dates_are_not_taken_apart(value: str, written: list[str]) -> None:
    html.show_figures([Figure("cost", "Cost", value)])
    assert f">{value}</div>" in written[0]
