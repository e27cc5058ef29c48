import numpy as np
import pytest

from models.allocation.mounts import Mounts, MountShares, share_by_mount_time, split_by_share, split_used

MINUTE = 60.0
DOLLAR = 1_000_000_000


def mounts(*rows):
    """Mounts of volume-hours from (volume, from minute, to minute) or (volume, None, minutes held)."""
    start = [np.nan if first is None else first * MINUTE for _, first, _ in rows]
    end = [np.nan if first is None else last * MINUTE for _, first, last in rows]
    held = [last * MINUTE if first is None else (last - first) * MINUTE for _, first, last in rows]
    return Mounts(np.array([row[0] for row in rows], np.int64), *map(np.array, (start, end, held)))


def shares(*rows, minutes=(60,)):
    return share_by_mount_time(mounts(*rows), np.array(minutes) * MINUTE)


def test_pods_share_a_volume_by_time_as_the_published_vector_says():
    # reference/allocation.md, V13
    found = shares((0, 0, 60), (0, 0, 15), (0, 30, 60), (0, 45, 60))
    assert found.pod == pytest.approx([0.583333, 0.125, 0.208333, 0.083333], abs=5e-7)
    assert found.unmounted == pytest.approx([0.0])


def test_time_that_nobody_mounted_is_a_remainder():
    found = shares((0, 10, 20), (0, 15, 25))
    assert found.pod == pytest.approx([7.5 / 60, 7.5 / 60])
    assert found.unmounted == pytest.approx([0.75])


def test_a_volume_that_nobody_mounted_is_all_remainder():
    found = shares(minutes=(60, 30))
    assert found.unmounted.tolist() == [1.0, 1.0]


def test_a_pod_that_held_a_volume_all_its_life_pays_all_of_it():
    # P21: a volume of half an hour held for half an hour is not half paid
    found = shares((0, 30, 60), minutes=(30,))
    assert found.pod.tolist() == [1.0]
    assert found.unmounted.tolist() == [0.0]


def test_pods_that_follow_each_other_do_not_share():
    assert shares((0, 0, 20), (0, 20, 60)).pod == pytest.approx([20 / 60, 40 / 60])


def test_where_only_the_time_held_is_known_pods_overlap_as_little_as_possible():
    assert shares((0, None, 20), (0, None, 30)).pod == pytest.approx([20 / 60, 30 / 60])
    full = shares((0, None, 60), (0, None, 60))
    assert full.pod.tolist() == [0.5, 0.5]
    assert full.unmounted.tolist() == [0.0]


def test_one_unknown_interval_makes_its_whole_volume_hour_go_by_time_held_and_no_other():
    found = shares((0, 0, 60), (0, None, 60), (1, 0, 60), (1, 0, 30), minutes=(60, 60))
    assert found.pod == pytest.approx([0.5, 0.5, 0.75, 0.25])


def test_a_clock_that_is_off_cannot_bill_more_than_the_volume():
    found = shares((0, -5, 65), (0, 30, 90), (1, 70, 80), minutes=(60, 60))
    assert found.pod == pytest.approx([0.75, 0.25, 0.0])
    assert found.unmounted == pytest.approx([0.0, 1.0])
    longer = shares((0, 0, 60), minutes=(20,))
    assert longer.pod.tolist() == [1.0]


def test_a_volume_that_did_not_run_is_owned_by_nobody():
    found = share_by_mount_time(mounts((0, 5, 5)), np.array([np.nan]))
    assert found.pod.tolist() == [0.0]
    assert found.unmounted.tolist() == [1.0]


def test_every_nano_unit_of_a_volume_is_charged_once():
    found = shares((0, 0, 60), (0, 0, 60), (0, 0, 60), (1, 0, 20), minutes=(60, 60))
    parts, rest = split_by_share(np.array([100, DOLLAR]), np.array([0, 0, 0, 1]), found)
    assert parts.tolist() == [34, 33, 33, 333_333_333]
    assert rest.tolist() == [0, 666_666_667]


def test_what_is_left_goes_to_the_largest_part_even_if_that_is_the_remainder():
    parts, rest = split_by_share(
        np.array([101]), np.array([0, 0]), MountShares(np.array([0.25, 0.25]), np.array([0.5]))
    )
    assert (parts.tolist(), rest.tolist()) == ([25, 25], [51])


def test_what_is_filled_of_a_volume_is_used_and_the_rest_requested():
    used, unused, is_measured = split_used(np.array([100, 100, 100]), np.array([0.25, 1.3, np.nan]))
    assert used.tolist() == [25, 100, 0]
    assert unused.tolist() == [75, 0, 0]
    assert is_measured.tolist() == [True, True, False]
