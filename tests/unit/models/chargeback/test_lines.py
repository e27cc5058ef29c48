from decimal import Decimal

from models.chargeback.lines import (
    ChargeLine,
    LineKind,
    amount,
    charge_lines,
    round_lines,
    rounding_lines,
    split_unpriced,
    summarise,
    totals,
    units,
)

CENT = 10_000_000


def line(effective, kind=LineKind.TEAM, team="a", currency="EUR", cluster="c", **fields):
    return ChargeLine(kind, cluster, currency, effective, effective, effective, team=team, **fields)


def row(**fields):
    money = dict.fromkeys(
        ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost"), Decimal(0)
    )
    base = {"cluster": "c", "currency": "EUR", "team": None, "provenance": "list", "line_kind": "workload"}
    return {**base, **money, **fields}


def test_units_and_amounts_are_each_others_inverse():
    assert units(Decimal("1.234567891")) == 1_234_567_891
    assert amount(1_234_567_891) == Decimal("1.234567891")
    assert units(None) == 0


def test_a_workload_row_is_one_line_and_without_team_unowned():
    costs = {"total_cost": Decimal(3), "list_cost": Decimal(4), "contracted_cost": Decimal(3)}
    owned, unowned = charge_lines([row(team="a", used_cost=Decimal(3), **costs), row(**costs)])
    assert (owned.kind, owned.used, owned.list_units) == (LineKind.TEAM, units(Decimal(3)), units(Decimal(4)))
    assert unowned.kind is LineKind.UNOWNED


def test_a_node_row_is_an_idle_and_an_overhead_line_that_share_its_list_cost():
    costs = {"total_cost": Decimal(4), "list_cost": Decimal(8), "contracted_cost": Decimal(4)}
    node = row(line_kind="node", idle_cost=Decimal(3), overhead_cost=Decimal(1), **costs)
    idle, overhead = charge_lines([node])
    assert (idle.kind, overhead.kind) == (LineKind.IDLE, LineKind.OVERHEAD)
    assert (idle.list_units, overhead.list_units) == (units(Decimal(6)), units(Decimal(2)))


def test_rows_without_a_cost_are_set_apart():
    priced, unpriced = split_unpriced([row(total_cost=None), row(total_cost=Decimal(1))])
    assert (len(priced), len(unpriced)) == (1, 1)


def test_a_summary_has_one_line_per_payer_in_a_fixed_order():
    lines = [line(1, LineKind.IDLE, None), line(2), line(3), line(5, team="b"), line(7, currency="CHF")]
    found = [(one.currency, one.kind.value, one.team, one.effective) for one in summarise(lines)]
    assert found == [
        ("CHF", "team", "a", 7),
        ("EUR", "team", "a", 5),
        ("EUR", "team", "b", 5),
        ("EUR", "idle", None, 1),
    ]


def test_rounded_lines_add_up_to_the_rounded_bill():
    thirds = [line(1_000_000_000 // 3, team=team) for team in "abc"]
    rounded = round_lines(thirds)
    assert [one.effective // CENT for one in rounded] == [34, 33, 33]
    assert sum(one.effective for one in rounded) == 100 * CENT


def test_causes_of_a_rounded_line_add_up_to_it():
    (rounded,) = round_lines([line(10_000_000_001, used=3_333_333_334, unused_request=6_666_666_667)])
    assert rounded.used + rounded.unused_request + rounded.unmeasured == rounded.effective == 1000 * CENT


def test_yen_are_rounded_to_whole_yen():
    rounded = round_lines([line(1_500_000_000, currency="JPY", team=team) for team in "ab"])
    assert [one.effective for one in rounded] == [2_000_000_000, 1_000_000_000]


def test_a_rounding_line_closes_each_bill_and_none_is_written_without_need():
    lines = [line(10_000_001), line(CENT, cluster="d")]
    (rounding,) = rounding_lines(lines)
    assert (rounding.kind, rounding.cluster, rounding.effective) == (LineKind.ROUNDING, "c", -1)
    assert totals([*lines, rounding]) == {("EUR", "c"): CENT, ("EUR", "d"): CENT}
