"""Whatever the lines of a month are, an export adds up: ratios to one, terms and rows to the cost."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from support.charges import CONTEXT, line

from models.chargeback.lines import BILL_KINDS, ChargeLine, LineKind, round_lines, summarise
from models.vocabulary.money import minor_digits
from service.exports.cost_terms import LINE_TERMS, PAYER_TERMS
from service.exports.line_values import RATIO_UNITS
from service.exports.origin_charges import with_ratios
from service.exports.payer_rows import payer_rows
from service.exports.shared_columns import IDLE, OVERHEAD

BY_CAUSE = (LineKind.TEAM, LineKind.UNOWNED, LineKind.IDLE, LineKind.OVERHEAD)
money = st.integers(-(10**13), 10**13)
days = st.sampled_from([None, date(2026, 10, 1), date(2026, 10, 2)])
teams = st.sampled_from([None, "red", "blue", "green"])


@st.composite
def charge_lines(draw: st.DrawFn) -> list[ChargeLine]:
    """Lines of every kind and sign in two clusters and currencies, some of a correction."""

    def one() -> ChargeLine:
        kind = draw(st.sampled_from(LineKind))
        correction = draw(st.sampled_from([None, None, "2026-09-r1-c1"]))
        effective = draw(money)
        if kind in BY_CAUSE and correction is None:
            effective = abs(effective)
        used = draw(st.integers(0, abs(effective))) * (1 if effective > 0 else -1)
        causes = {"used": used, "unused_request": effective - used} if kind in BY_CAUSE[:2] else {}
        return line(
            kind,
            effective,
            list_units=draw(money),
            cluster=draw(st.sampled_from(["c1", "c2"])),
            currency=draw(st.sampled_from(["EUR", "JPY"])),
            team=draw(teams),
            day=draw(days),
            reference=draw(st.sampled_from([None, "INV-1"])),
            correction=correction,
            restates=correction and "2026-09-r1",
            **causes,
        )

    return [one() for _ in range(draw(st.integers(1, 12)))]


@given(charge_lines())
def test_shares_of_an_origin_add_up_to_one_and_follow_the_costs(lines: list[ChargeLine]) -> None:
    origins: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for charge in with_ratios(lines, [None] * len(lines)):
        own = charge.line
        if charge.ratio is not None:
            document = (own.kind, own.reference) if own.kind in BILL_KINDS else ()
            key = (own.currency, own.cluster, own.day, *document)
            origins.setdefault(key, []).append((charge.ratio, own.effective))
    for members in origins.values():
        assert sum(ratio for ratio, _ in members) == RATIO_UNITS
        whole = sum(cost for _, cost in members)
        for ratio, cost in members:
            exact = Fraction(cost * RATIO_UNITS, whole)
            assert abs(ratio - exact) <= max(1, abs(exact) / 10**14)


@given(charge_lines())
def test_terms_add_up_to_every_line_and_to_every_payer_in_whole_coins(lines: list[ChargeLine]) -> None:
    for charge in with_ratios(lines, [None] * len(lines)):
        terms = [column.value(charge, CONTEXT) for column in (IDLE, OVERHEAD, *LINE_TERMS)]
        assert sum(terms) == charge.line.effective
    rounded = round_lines(summarise(lines))
    rows = payer_rows(rounded, [None] * len(rounded))
    for charge in rows:
        coin = 10 ** (9 - minor_digits(charge.line.currency))
        terms = [column.value(charge, CONTEXT) for column in PAYER_TERMS]
        assert sum(terms) == charge.line.effective
        assert all(term % coin == 0 for term in terms)
    for cluster in ("c1", "c2"):
        for currency in ("EUR", "JPY"):
            exact, shown = (
                sum(one.effective for one in some if (one.cluster, one.currency) == (cluster, currency))
                for some in (lines, [row.line for row in rows])
            )
            assert abs(shown - exact) * 2 <= 10 ** (9 - minor_digits(currency))
