from __future__ import annotations

from decimal import Decimal

from models.billing.gap import AssetMonth, Cause, explain_gap

NANO = 10**9


def both(**values: object) -> AssetMonth:
    given: dict[str, object] = {
        "asset_kind": "node",
        "asset": "a",
        "billed": Decimal(70),
        "billed_contracted": Decimal(100),
        "allocated": Decimal(90),
        "allocated_contracted": Decimal(90),
        "billed_hours": 100.0,
        "observed_hours": 100.0,
        "is_billed": True,
        "is_observed": True,
    }
    return AssetMonth(**{**given, **values})  # type: ignore[arg-type]


def causes(*assets: AssetMonth, allocated: int) -> dict[Cause, int]:
    gap = explain_gap("prod", "USD", allocated * NANO, assets)
    assert sum(gap.causes.values()) == gap.gap
    return {cause: part // NANO for cause, part in gap.causes.items() if part}


def test_a_discount_and_a_price_are_told_apart() -> None:
    assert causes(both(), allocated=90) == {Cause.PRICE: 10, Cause.COMMITMENT: -30}


def test_hours_that_nobody_saw_are_the_bill_s_hours() -> None:
    asset = both(
        billed=Decimal(100), allocated=Decimal(80), allocated_contracted=Decimal(80), observed_hours=80.0
    )
    assert causes(asset, allocated=80) == {Cause.NOT_OBSERVED: 20}


def test_hours_that_no_line_bills_are_allocated_hours() -> None:
    asset = both(
        billed=Decimal(80),
        billed_contracted=Decimal(80),
        billed_hours=80.0,
        allocated=Decimal(100),
        allocated_contracted=Decimal(100),
    )
    assert causes(asset, allocated=100) == {Cause.NOT_BILLED: -20}


def test_assets_on_one_side_only_have_causes_of_their_own() -> None:
    unseen = both(asset="b", allocated=Decimal(0), allocated_contracted=Decimal(0), is_observed=False)
    unbilled = both(asset="c", billed=Decimal(0), billed_contracted=Decimal(0), is_billed=False)
    volume = both(asset_kind="volume", asset="d", billed=Decimal(5), is_observed=False)
    found = causes(unseen, unbilled, volume, allocated=90)
    assert found == {Cause.NOT_OBSERVED: 70, Cause.NOT_BILLED: -90, Cause.NOT_PRICED: 5}


def test_what_no_asset_explains_is_rounding() -> None:
    asset = both(
        billed=Decimal("0.0000000006"),
        billed_contracted=Decimal("0.0000000006"),
        allocated=Decimal(0),
        allocated_contracted=Decimal(0),
        asset_kind="volume",
    )
    gap = explain_gap("prod", "USD", 0, [asset, asset])
    assert gap.billed == 1
    assert sum(gap.causes.values()) == 1
    assert gap.ratio == 1.0
    assert explain_gap("prod", "USD", 5, []).ratio is None
