from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.ownership.rules import OwnershipRow, check_ownership_rows, hash_ownership_rows
from models.vocabulary.errors import InputError

START, MIDDLE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ROW = OwnershipRow("*", "shop", "a", START, share_ratio=Decimal("0.6"))


def test_shares_of_one_scope_may_add_up_to_the_whole():
    check_ownership_rows([ROW, replace(ROW, team="b", share_ratio=Decimal("0.4"))])


def test_shares_above_the_whole_name_every_row_that_takes_part():
    with pytest.raises(InputError, match="rows 1, 2 own shop in \\* at the same time and give away 110"):
        check_ownership_rows([ROW, replace(ROW, team="b", share_ratio=Decimal("0.5"))])


def test_a_payer_named_twice_at_one_time_is_refused():
    with pytest.raises(InputError, match="rows 1, 2"):
        check_ownership_rows([replace(ROW, share_ratio=Decimal("0.1"))] * 2)


def test_owners_may_follow_each_other():
    check_ownership_rows(
        [replace(ROW, share_ratio=Decimal(1), valid_to=MIDDLE), replace(ROW, team="b", valid_from=MIDDLE)]
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"team": " "}, "team"),
        ({"namespace": ""}, "namespace"),
        ({"cluster": ""}, "cluster"),
        ({"share_ratio": Decimal(0)}, "share_ratio"),
        ({"share_ratio": Decimal("1.1")}, "share_ratio"),
        ({"valid_to": START}, "valid_to"),
        ({"label_selector": "a b"}, "label_selector"),
    ],
)
def test_a_wrong_cell_is_named(change, field):
    with pytest.raises(InputError, match=f"row 1, field {field}"):
        check_ownership_rows([replace(ROW, **change)])


def test_the_hash_ignores_order_and_file():
    other = replace(ROW, team="b", share_ratio=Decimal("0.4"), source_file="x")
    assert hash_ownership_rows([ROW, other]) == hash_ownership_rows([other, ROW])
