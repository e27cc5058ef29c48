import numpy as np
import pytest

from models.packing.first_fit import find_removable, pack_first_fit
from models.packing.pools import PoolPods, plan_pool

NODES = np.array([[4.0, 16.0]] * 4)
ORDER = np.arange(4)


def pods(*sizes: tuple[float, float]) -> np.ndarray:
    return np.array(sizes, dtype=float).reshape(-1, 2)


def test_pods_fill_as_few_nodes_as_first_fit_needs():
    packing = pack_first_fit(pods((2, 8), (2, 8), (1, 4), (3, 12)), NODES, ORDER)
    assert packing.fits
    assert packing.is_used.tolist() == [True, True, False, False]


def test_no_node_is_filled_beyond_its_room():
    found = pack_first_fit(pods(*[(1.5, 1)] * 8), NODES, ORDER)
    used = np.zeros(4)
    np.add.at(used, found.node, 1.5)
    assert (used <= 4.0).all()
    assert (used == 3.0).all()


def test_a_pod_that_fits_nowhere_lets_no_node_go():
    assert not find_removable(pods((5, 1)), NODES, ORDER).any()


def test_daemons_take_room_on_every_node_and_smaller_requests_free_nodes():
    now, then = pods(*[(2, 2)] * 8), pods(*[(1, 2)] * 8)
    plan = plan_pool(PoolPods(now, then, np.zeros(2), np.zeros(2)), NODES, np.ones(4))
    assert (plan.removable_now.sum(), plan.removable_then.sum()) == (0, 2)
    busy = plan_pool(PoolPods(now, then, np.zeros(2), np.array([1.5, 0])), NODES, np.ones(4))
    assert busy.removable_then.sum() == 0


def test_the_dearest_node_goes_first():
    plan = plan_pool(
        PoolPods(pods((2, 2)), pods((2, 2)), np.zeros(2), np.zeros(2)),
        NODES,
        np.array([0.2, 0.1, 0.5, 0.3]),
    )
    assert plan.removable_then.tolist() == [True, False, True, True]


def test_no_pods_need_no_nodes():
    assert find_removable(pods(), NODES, ORDER).all()
    assert pack_first_fit(pods((1, 1)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)).node == pytest.approx(
        [-1]
    )
