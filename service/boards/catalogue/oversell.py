"""Texts of the oversell board."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "oversell.title": "Oversell",
    "oversell.cluster": "Cluster",
    "oversell.resource": "Resource",
    "oversell.pools": "Pools",
    "oversell.nodes": "Nodes",
    "oversell.pools_alt": "Pools with sold and safe oversell ratio",
    "oversell.nodes_alt": "Nodes with sold and safe oversell ratio",
    "oversell.chart": "Sold now and safe multiple",
    "oversell.chart_alt": "Sold ratio and safe oversell ratio of each pool",
    "oversell.column.pool": "Pool",
    "oversell.column.node": "Node",
    "oversell.column.nodes": "Nodes",
    "oversell.column.allocatable": "Allocatable",
    "oversell.column.requested": "Requested",
    "oversell.column.peak": "Peak predicted, 24 h",
    "oversell.column.sold_requests": "Sold (requests)",
    "oversell.column.sold_limits": "Sold (limits)",
    "oversell.column.safe": "Safe multiple",
    "oversell.column.risk_stated": "Risk stated",
    "oversell.column.risk_backtest": "Risk back-tested",
    "oversell.column.history": "History, days",
    "oversell.acts_through": "What can act on it: {actuator}.",
    "oversell.acts_through_in": "{pools}: {actuator}",
    "oversell.column.rail": "Bound by",
    "oversell.computed": "Computed {at} from 7 days of peaks",
    "oversell.empty": (
        "No oversell plan is stored yet. `millicore oversell` makes one from 7 days of node peaks."
    ),
    "oversell.not_allowed": "The oversell board needs the role platform, leadership or admin.",
    "oversell.explain": (
        "Safe multiple: how many times what the nodes can allocate may be sold as requests before the "
        "predicted peak reaches the hotspot line. 1.00 means: no overselling. Risk: share of node-days whose "
        "peak may exceed the prediction."
    ),
    "oversell.safe_pools": "Pools that can be oversold",
    "oversell.safe_pools_help": "Pools whose safe multiple is above 1.00.",
    "oversell.best": "Largest safe multiple",
    "oversell.bound": "Held back by a guard rail",
    "oversell.bound_help": "Pools and nodes whose multiple a guard rail limits.",
    "oversell.sold": "Sold now, requests",
    "oversell.safe_end": "Safe multiple",
    "resource.cpu": "CPU",
    "resource.memory": "Memory",
    "oversell.sold_note": "CPU requests of what can be allocated",
    "oversell.of_pools": "{count} of {pools}",
    "oversell.sold_help": "Sum of requests divided by what the nodes can allocate.",
    "rail.stale_data": "data older than 2 hours",
    "rail.too_little_history": "less than 7 days of history",
    "rail.memory_off": "memory is not oversold by default",
    "rail.low_requests": "hardly anything requested",
    "rail.peak_near_requests": "predicted peak is near what is requested",
    "rail.risk_above_stated": "the past showed more risk than stated",
    "rail.ratio_max": "largest allowed multiple",
    "rail.growth_limit": "grows slowly by design",
    "rail.no_actuator": "nothing in the pool can act on it",
    "rail.none": "nothing",
    "actuator.none": "nothing: stock Kubernetes only allows lower requests",
}
