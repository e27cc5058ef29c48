import pytest

from models.vocabulary.errors import InputError
from models.vocabulary.recommendation import ResourceValues
from recommender.constraints_limit_range import LimitRule, container_bounds, find_refusals, read_limit_range

GIB = float(1 << 30)


def test_a_maximum_is_the_default_limit_and_that_the_default_request():
    (rule,) = read_limit_range([{"type": "Container", "max": {"cpu": "2"}}])
    assert rule == LimitRule("Container", "cpu", None, 2.0, 2.0, 2.0, None)


def test_a_stated_default_goes_before_the_maximum():
    (rule,) = read_limit_range(
        [
            {
                "type": "Container",
                "max": {"cpu": "2"},
                "default": {"cpu": "500m"},
                "defaultRequest": {"cpu": "100m"},
            }
        ]
    )
    assert (rule.default_limit, rule.default_request) == (0.5, 0.1)


def test_a_minimum_alone_is_the_default_request():
    (rule,) = read_limit_range([{"type": "Container", "min": {"memory": "1Gi"}}])
    assert (rule.default_request, rule.default_limit) == (GIB, None)


def test_other_types_and_resources_are_left_out():
    assert read_limit_range([{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]) == []
    assert read_limit_range([{"type": "Container", "max": {"ephemeral-storage": "1Gi"}}]) == []


def test_a_malformed_quantity_names_itself():
    with pytest.raises(InputError, match="LimitRange max cpu"):
        read_limit_range([{"type": "Container", "max": {"cpu": "two"}}])


def test_of_several_rules_the_tightest_holds():
    rules = [
        LimitRule("Container", "cpu", minimum=0.1, maximum=4.0, largest_ratio=10.0),
        LimitRule("Container", "cpu", minimum=0.2, maximum=2.0, largest_ratio=4.0),
        LimitRule("Container", "memory", minimum=GIB),
    ]
    bounds = container_bounds(rules, "cpu", ResourceValues(1.0, 1.0, GIB, GIB), ())
    assert (bounds.minimum, bounds.maximum, bounds.largest_ratio) == (0.2, 2.0, 4.0)


@pytest.mark.parametrize(
    ("values", "rule", "why"),
    [
        (ResourceValues(0.1, 1.0, GIB, GIB), LimitRule("Container", "cpu", minimum=0.2), "below its minimum"),
        (ResourceValues(1.0, 3.0, GIB, GIB), LimitRule("Container", "cpu", maximum=2.0), "above its maximum"),
        (
            ResourceValues(1.0, None, GIB, GIB),
            LimitRule("Container", "cpu", maximum=2.0),
            "above its maximum",
        ),
        (
            ResourceValues(0.1, 1.0, GIB, GIB),
            LimitRule("Container", "cpu", largest_ratio=4.0),
            "more than 4 times",
        ),
        (
            ResourceValues(2.0, None, GIB, GIB),
            LimitRule("Container", "cpu", default_limit=1.0, default_request=1.0),
            "above its limit, which",
        ),
    ],
)
def test_what_the_api_server_would_refuse_is_found(values, rule, why):
    (reason, *_) = find_refusals(values, [rule], ())
    assert why in reason


def test_what_it_would_take_is_not_refused():
    rules = read_limit_range(
        [
            {
                "type": "Container",
                "min": {"cpu": "100m"},
                "max": {"cpu": "2"},
                "maxLimitRequestRatio": {"cpu": "4"},
            },
            {"type": "Pod", "max": {"cpu": "4", "memory": "8Gi"}},
        ]
    )
    sibling = ResourceValues(1.0, 2.0, GIB, 2 * GIB)
    assert find_refusals(ResourceValues(0.5, 2.0, GIB, 2 * GIB), rules, (sibling,)) == []
    assert find_refusals(ResourceValues(0.5, 2.0, GIB, 7 * GIB), rules, (sibling,)) != []


def test_a_limit_that_is_unset_gets_the_default_before_it_is_judged():
    (rule,) = read_limit_range([{"type": "Container", "max": {"cpu": "2"}}])
    assert find_refusals(ResourceValues(1.0, None, None, None), [rule], ()) == []


def test_any_part_of_a_pods_advice_stays_within_its_sum():
    rule = LimitRule("Pod", "memory", minimum=2 * GIB, maximum=8 * GIB)
    one, other = ResourceValues(None, None, 3 * GIB, 3 * GIB), ResourceValues(None, None, GIB, GIB)
    first = container_bounds([rule], "memory", one, (other,))
    second = container_bounds([rule], "memory", other, (one,))
    assert first.maximum + second.maximum <= 8 * GIB
    assert first.minimum + second.minimum >= 2 * GIB
    assert first.minimum + GIB >= 2 * GIB
