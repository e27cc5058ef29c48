import numpy as np
import pytest

from models.allocation.network import share_by_bytes


def test_a_cost_is_shared_by_bytes_to_the_last_unit():
    shared = share_by_bytes(100, np.array([1.0, 1.0, 1.0]))
    assert shared.parts.tolist() == [34, 33, 33]
    assert shared.rest == 0


@pytest.mark.parametrize("cost", [1_000_000_007, -1_000_000_007, 0])
def test_credits_are_shared_like_costs(cost):
    shared = share_by_bytes(cost, np.array([3e9, 0.0, 4e12]))
    assert shared.parts.sum() + shared.rest == cost
    assert shared.parts[1] == 0


def test_who_sent_an_unknown_number_of_bytes_takes_no_part():
    assert share_by_bytes(10, np.array([np.nan, 5.0, -1.0])).parts.tolist() == [0, 10, 0]


def test_a_cost_that_nobody_sent_a_byte_for_stays_whole():
    for counts in (np.array([0.0, np.nan]), np.zeros(0)):
        shared = share_by_bytes(77, counts)
        assert shared.rest == 77
        assert not shared.parts.any()
