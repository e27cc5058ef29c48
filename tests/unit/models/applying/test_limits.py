from __future__ import annotations

from typing import Any

import pytest

from models.applying.limits import disruption_warnings, limit_range_problems, quota_problems, with_defaults
from models.vocabulary.recommendation import ResourceValues

GIB = 2.0**30
WANTED = ResourceValues(0.5, 1.0, GIB, 2 * GIB)


def limit_range(**item: Any) -> dict[str, Any]:
    return {"metadata": {"name": "bounds"}, "spec": {"limits": [{"type": "Container", **item}]}}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "team"}, "spec": {"hard": hard, **spec}, "status": {"used": used or {}}}


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"min": {"cpu": "600m"}}, "the cpu request is below its minimum of 600m"),
        ({"max": {"memory": "1536Mi"}}, "the memory limit is above its maximum of 1536Mi"),
        ({"maxLimitRequestRatio": {"cpu": "1.5"}}, "the cpu limit is more than 1.5 times the request"),
    ],
)
def test_a_bound_that_is_broken_is_named(item: dict[str, Any], problem: str) -> None:
    assert limit_range_problems([limit_range(**item)], WANTED) == [f"LimitRange bounds: {problem}"]


def test_bounds_that_hold_are_no_problem() -> None:
    item = {"min": {"cpu": "500m", "memory": "1Gi"}, "max": {"cpu": "1", "memory": "2Gi"}}
    assert limit_range_problems([limit_range(**item, maxLimitRequestRatio={"cpu": "2"})], WANTED) == []


def test_a_maximum_requires_a_limit_unless_there_is_a_default() -> None:
    unlimited = ResourceValues(0.5, None, GIB, GIB)
    (problem,) = limit_range_problems([limit_range(max={"cpu": "2"})], unlimited)
    assert "a cpu limit is required" in problem
    defaulted = limit_range(max={"cpu": "2"}, default={"cpu": "2"})
    assert limit_range_problems([defaulted], unlimited) == []


def test_bounds_of_whole_pods_do_not_bind_a_container() -> None:
    pod = {"metadata": {"name": "pods"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "100m"}}]}}
    assert limit_range_problems([pod], WANTED) == []


def test_a_stated_limit_is_the_request_before_defaults_are_filled_in() -> None:
    item = {"default": {"cpu": "2", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}
    found = with_defaults(ResourceValues(None, 1.0, None, None), [limit_range(**item)])
    assert found == ResourceValues(1.0, 1.0, GIB, GIB)
    assert with_defaults(ResourceValues(), [limit_range(**item)]) == ResourceValues(0.1, 2.0, GIB, GIB)
    assert with_defaults(WANTED, [limit_range(**item)]) == WANTED


def test_the_growth_of_all_pods_must_fit_into_the_quota() -> None:
    before = ResourceValues(0.25, 1.0, GIB, 2 * GIB)
    full = quota(
        {"requests.cpu": "4", "limits.memory": "8Gi"}, {"requests.cpu": "3500m", "limits.memory": "8Gi"}
    )
    assert quota_problems([full], before, WANTED, 2) == []
    (problem,) = quota_problems([full], before, WANTED, 3)
    assert problem == "ResourceQuota team: requests.cpu has 0.5 left and 0.75 is needed"


def test_the_short_name_of_a_quota_means_requests() -> None:
    (problem,) = quota_problems([quota({"cpu": "0"})], ResourceValues(0.25), WANTED, 1)
    assert "cpu has 0 left" in problem


def test_a_decrease_always_fits() -> None:
    assert (
        quota_problems([quota({"cpu": "0", "memory": "0"})], WANTED, ResourceValues(0.1, 1.0, 1.0), 9) == []
    )


def test_quotas_of_other_pods_are_passed_over() -> None:
    scoped = quota({"cpu": "0"}, scopes=["Terminating"])
    assert quota_problems([scoped], ResourceValues(0.25), WANTED, 1) == []


def test_a_rollout_is_warned_of_gaps_and_strict_budgets() -> None:
    budgets = [
        {"name": "none", "maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
        {"name": "all", "minAvailable": "100%", "selector": {"matchLabels": {"app": "web"}}},
        {"name": "other", "maxUnavailable": 0, "selector": {"matchLabels": {"app": "api"}}},
    ]
    assert disruption_warnings(budgets, {"app": "web"}, 3) == [
        "disruption budget none allows no pod to go",
        "disruption budget all needs all 3 pods",
    ]
    assert "1 replica" in disruption_warnings([], {}, 1)[0]
    assert disruption_warnings([], {}, None) == []
