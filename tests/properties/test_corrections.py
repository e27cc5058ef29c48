from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from models.chargeback.corrections import (
    MONEY,
    detail_lines,
    difference,
    invoice_lines,
    lines_table,
    table_lines,
)
from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, LineKind, amount

_UNITS = st.integers(-(10**13), 10**13)


@st.composite
def charge(draw: st.DrawFn) -> ChargeLine:
    kind = draw(st.sampled_from([LineKind.TEAM, LineKind.UNOWNED, LineKind.IDLE, LineKind.OVERHEAD]))
    causes = draw(st.tuples(_UNITS, _UNITS, _UNITS)) if kind in (LineKind.TEAM, LineKind.UNOWNED) else None
    return ChargeLine(
        kind=kind,
        cluster=draw(st.sampled_from(["a", "b", "c"])),
        currency=draw(st.sampled_from(["EUR", "JPY"])),
        effective=sum(causes) if causes else draw(_UNITS),
        list_units=draw(_UNITS),
        contracted=draw(_UNITS),
        day=draw(st.sampled_from([date(2026, 10, 1), date(2026, 10, 31)])),
        team=draw(st.sampled_from(["red", "blue"])) if kind is LineKind.TEAM else None,
        resource=draw(st.sampled_from(["cpu", "memory"])),
        used=causes[0] if causes else 0,
        unused_request=causes[1] if causes else 0,
        unmeasured=causes[2] if causes else 0,
        billed_seconds=draw(st.none() | st.floats(0, 1e6)),
    )


LINES = st.lists(charge(), max_size=12)


def net(lines: list[ChargeLine]) -> dict[tuple[object, ...], tuple[int, ...]]:
    found: dict[tuple[object, ...], tuple[int, ...]] = {}
    for line in lines:
        key = (line.payer, line.day, line.resource)
        money = tuple(getattr(line, name) for name in MONEY)
        found[key] = tuple(a + b for a, b in zip(found.get(key, (0,) * len(MONEY)), money, strict=True))
    return {key: money for key, money in found.items() if any(money)}


@given(LINES, LINES, LINES)
@settings(max_examples=150, deadline=None)
def test_closed_plus_all_corrections_is_what_was_recomputed_exactly(closed, first, second):
    one = difference(first, closed, restates="m-r1", correction="m-r1-c1")
    two = difference(second, [*closed, *one], restates="m-r1", correction="m-r1-c2")
    assert net([*closed, *one]) == net(first)
    assert net([*closed, *one, *two]) == net(second)
    assert difference(second, [*closed, *one, *two], restates="m-r1", correction="m-r1-c3") == []


@given(LINES, LINES)
@settings(max_examples=100, deadline=None)
def test_a_correction_does_not_depend_on_the_order_of_lines_and_comes_back_from_its_table(closed, new):
    lines = difference(new, closed, restates="m-r1", correction="m-r1-c1")
    turned = difference(new[::-1], closed[::-1], restates="m-r1", correction="m-r1-c1")
    exact = [replace(line, billed_seconds=None) for line in lines]
    assert [replace(line, billed_seconds=None) for line in turned] == exact
    assert table_lines(lines_table(lines)) == lines


@given(LINES, LINES)
@settings(max_examples=150, deadline=None)
def test_rounded_lines_of_a_correction_add_up_to_its_rounded_total(closed, new):
    lines = difference(new, closed, restates="m-r1", correction="m-r1-c1")
    digits = {"EUR": 2, "JPY": 0}
    for rounded in (invoice_lines(lines), detail_lines(lines)):
        for currency, count in digits.items():
            exact = sum(line.effective for line in lines if line.currency == currency)
            shown = sum(line.effective for line in rounded if line.currency == currency)
            assert amount(shown) == round(amount(exact), count)
            for cluster in "abc":
                own = [line for line in rounded if (line.currency, line.cluster) == (currency, cluster)]
                bill = sum(
                    line.effective for line in lines if (line.currency, line.cluster) == (currency, cluster)
                )
                assert amount(sum(line.effective for line in own)) == round(amount(bill), count)
        assert all(line.correction == "m-r1-c1" for line in rounded)
    for line in invoice_lines(lines):
        if line.kind in (LineKind.TEAM, LineKind.UNOWNED) and line.cluster != ALL_CLUSTERS:
            assert line.used + line.unused_request + line.unmeasured == line.effective
