from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.pricing.family_weights import FamilyWeight, check_family_weights, weigh_rows
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import InputError

JAN, MAR = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3))
ROW = PriceRow("ecs.g7.large", "CNY", Decimal("0.58"), JAN)
WIDE = FamilyWeight("ecs.", Decimal(8), Decimal(1), JAN)
NARROW = FamilyWeight("ecs.g7.", Decimal(6), Decimal(1), MAR)


def test_the_longest_family_holds_from_its_own_time_on():
    before, after = weigh_rows([ROW], [NARROW, WIDE])
    assert (before.cpu_weight, before.valid_to) == (Decimal(8), MAR)
    assert (after.cpu_weight, after.valid_from, after.valid_to) == (Decimal(6), MAR, None)


def test_rows_that_say_it_themselves_and_other_families_stay_as_they_are():
    own = replace(ROW, cpu_core_hourly_price=Decimal("0.1"), memory_gib_hourly_price=Decimal("0.02"))
    rows = [own, replace(ROW, instance_type="m5.large"), replace(ROW, asset_kind="volume")]
    assert weigh_rows(rows, [WIDE, NARROW]) == rows


def test_weights_that_split_nothing_and_doubled_families_are_named():
    with pytest.raises(InputError, match="field cpu_weight"):
        check_family_weights([replace(WIDE, cpu_weight=Decimal(0), memory_weight=Decimal(0))])
    with pytest.raises(InputError, match="row 2, field family"):
        check_family_weights([WIDE, WIDE])
    with pytest.raises(InputError, match="field gpu_weight"):
        check_family_weights([replace(WIDE, gpu_weight=Decimal(-1))])
