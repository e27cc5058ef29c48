from __future__ import annotations

import pytest

from models.pricing.purchase_options import normal_option, option_matches


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("On-Demand", "on_demand"),
        ("OnDemand", "on_demand"),
        ("PayAsYouGo", "on_demand"),
        ("按量付费", "on_demand"),
        ("Preemptible", "spot"),
        ("包年包月", "reserved"),
        ("Commit1Yr", "reserved"),
        ("Savings Plan", "savings_plan"),
        ("bare-metal", "bare_metal"),
        ("Fargate", "serverless"),
        ("our own", "our_own"),
        ("", None),
        (None, None),
    ],
)
def test_the_spellings_of_the_clouds_are_one(written, option):
    assert normal_option(written) == option


@pytest.mark.parametrize(
    ("wanted", "found", "has_selector", "matches"),
    [
        (None, "spot", False, True),
        ("on-demand", "on_demand", False, True),
        ("on_demand", "unknown", False, False),
        ("spot", "on_demand", False, False),
        ("reserved", "on_demand", False, False),
        ("reserved", "on_demand", True, True),
        ("reserved", "spot", True, False),
        ("bare_metal", "on_demand", False, True),
        ("bare_metal", "spot", False, False),
    ],
)
def test_options_that_no_label_tells_need_a_selector(wanted, found, has_selector, matches):
    assert option_matches(wanted, found, has_selector=has_selector) is matches
