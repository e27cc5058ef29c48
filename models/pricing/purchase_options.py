"""How a node is bought: one spelling for what the clouds and their tools write in many."""

from __future__ import annotations

from functools import lru_cache

ON_DEMAND = "on_demand"
SPOT = "spot"
RESERVED = "reserved"
SAVINGS_PLAN = "savings_plan"
BARE_METAL = "bare_metal"
SERVERLESS = "serverless"

UNSEEN_OPTIONS = frozenset({RESERVED, SAVINGS_PLAN})
"""A matter of the contract: no label of a node tells them, so a selector may stand for them."""

_ALIASES = {
    ON_DEMAND: "ondemand payg payasyougo pay_as_you_go postpaid standard consumption regular normal "
    "按量 按量付费",
    SPOT: "preemptible spot_preemptible low_priority lowpriority bid 竞价 抢占式 抢占式实例 竞价实例",
    RESERVED: "reservation reserved_instance ri prepaid subscription committed committed_use cud commit1yr "
    "commit3yr 包年包月",
    SAVINGS_PLAN: "savingsplan savings_plans savingsplans sp compute_savings_plan 节省计划",
    BARE_METAL: "baremetal metal ebm dedicated_host 裸金属 神龙",
    SERVERLESS: "fargate eci virtual virtual_node virtual_kubelet autopilot container_instance 弹性容器实例",
}
_OPTION_OF = {alias: option for option, aliases in _ALIASES.items() for alias in (option, *aliases.split())}


@lru_cache(maxsize=1024)
def normal_option(text: str | None) -> str | None:
    """Return the one spelling of a purchase option; an unknown one in lower case with underscores.

    ``On-Demand``, ``PayAsYouGo`` and ``按量付费`` are all ``on_demand``. Empty text is None: any option.
    """
    if text is None or not text.strip():
        return None
    folded = text.strip().lower().replace("-", "_").replace(" ", "_")
    return _OPTION_OF.get(folded, folded)


def option_matches(wanted: str | None, found: str | None, *, has_selector: bool) -> bool:
    """Whether a price with an option holds for a node with one.

    Parameters
    ----------
    wanted : str or None
        Option of the price row; None matches any node.
    found : str or None
        Option of the node as labels or a node file tell it.
    has_selector : bool
        Whether the row chooses its nodes by label. For options that no label tells, the selector decides.
    """
    option, seen = normal_option(wanted), normal_option(found)
    if option is None or option == seen:
        return True
    if option in UNSEEN_OPTIONS:
        return has_selector and seen != SPOT
    # The type says that a machine is bare metal; how it is paid stands in the node's option.
    return option == BARE_METAL and seen not in (SPOT, SERVERLESS)
