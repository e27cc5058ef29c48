"""Efficiency as OpenCost defines it: use over request, weighted by cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.http import allocation
from warehouse.reads.allocation import ResourceUse


def test_efficiency_is_weighted_by_cost() -> None:
    # reference V18: 2 cores and 1 GiB requested at $10 and $1, half a core and half a GiB used: 26.19 %
    cpu = ResourceUse(2 * 3600.0, 0.5 * 3600, 2 * 3600.0, Decimal(20))
    memory = ResourceUse(3600.0, 0.5 * 3600, 3600.0, Decimal(1))
    assert allocation._efficiency([cpu, memory]) == pytest.approx(0.2619, abs=5e-5)
    assert allocation._efficiency([ResourceUse(None, 1.0, 1.0, Decimal(1))]) is None
