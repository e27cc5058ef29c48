from fractions import Fraction

import numpy as np

from models.allocation.apportion import apportion, apportion_many, apportion_rows


def test_units_left_over_go_to_the_largest_remainders():
    assert apportion(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion(-100, [1, 1, 1]) == [-33, -33, -34]
    assert apportion(7, [Fraction(1, 3), Fraction(2, 3)]) == [2, 5]


def test_many_parts_add_up_to_the_whole():
    parts = apportion_many(1000, np.array([1, 1, 1, 0]))
    assert parts.sum() == 1000
    assert parts.tolist() == [334, 333, 333, 0]


def test_without_weights_the_first_part_takes_all():
    assert apportion_many(5, np.array([0, 0])).tolist() == [5, 0]
    assert apportion_many(0, np.zeros(0, dtype=np.int64)).tolist() == []


def test_rows_are_split_by_shares_and_the_largest_takes_the_rest():
    first, second = apportion_rows(np.array([10, 11, 1]), [Fraction(7, 10), Fraction(3, 10)])
    assert (first + second).tolist() == [10, 11, 1]
    assert first.tolist() == [7, 8, 1]
