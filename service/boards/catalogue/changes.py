"""Texts of the board of changes."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "changes.title": "Changes",
    "changes.change": "Change of cost",
    "changes.change_help": "Cost of the days shown less cost of the days before: what the bars add up to.",
    "changes.days": "{days} days against {earlier}",
    "changes.unit": "Cost of a {unit}",
    "changes.unit_help": "Cost of workloads divided by what they were billed: the larger of request and use.",
    "changes.used_unit_help": (
        "The whole cost of CPU, idle and overhead included, divided by the core-hours that were really used."
    ),
    "changes.anomalies": "Anomalies",
    "changes.anomalies_help": (
        "Payers whose daily cost left its usual range. Each is told once, on its first day."
    ),
    "changes.anomalies_early": "needs {needed} final days, has {days}",
    "changes.at_risk": "at risk: {amount}",
    "changes.sentence": "{change} against {earlier}, mostly because {cause} ({amount}).",
    "changes.because.price.more": "units became dearer",
    "changes.because.price.less": "units became cheaper",
    "changes.because.quantity.more": "more was used",
    "changes.because.quantity.less": "less was used",
    "changes.because.efficiency.more": "more capacity stood unused",
    "changes.because.efficiency.less": "less capacity stood unused",
    "changes.because.mix.more": "work moved to dearer capacity",
    "changes.because.mix.less": "work moved to cheaper capacity",
    "changes.because.new.more": "workloads came",
    "changes.because.new.less": "workloads came",
    "changes.because.gone.more": "workloads went",
    "changes.because.gone.less": "workloads went",
    "changes.waterfall": "Why it changed",
    "changes.waterfall_note": "The bars add up without a remainder.",
    "changes.waterfall_alt": (
        "Bars from the earlier cost over price, quantity, efficiency, mix, new and gone to the later"
    ),
    "changes.cause.before": "Before",
    "changes.cause.after": "Now",
    "changes.cause.price": "Price",
    "changes.cause.quantity": "Quantity used",
    "changes.cause.efficiency": "Unused capacity",
    "changes.cause.mix": "Mix",
    "changes.cause.new": "New",
    "changes.cause.gone": "Gone",
    "changes.movers": "What moved most",
    "changes.movers_alt": "Workloads and pools with the largest changes of cost",
    "changes.column.name": "Workload",
    "changes.column.cluster": "Cluster",
    "changes.column.before": "Before, {currency}",
    "changes.column.after": "Now, {currency}",
    "changes.column.change": "Change, {currency}",
    "changes.column.cause": "Mostly",
    "changes.anomaly_list": "Out of range",
    "changes.anomaly_none": "No payer's cost left its usual range.",
    "changes.more": "and {count} more: millicore anomaly list",
    "changes.anomaly": "{amount} ({ratio}), {cause}. {what}",
    "changes.anomaly_cause.price": "a price changed",
    "changes.anomaly_cause.volume": "more or less ran",
    "changes.anomaly_cause.workload": "a workload came or went",
    "changes.payer_cluster": "(idle of {cluster})",
    "changes.budgets": "Budgets",
    "changes.budgets_none": (
        "No budget is stored for this period. Load one with millicore ingest files --budgets."
    ),
    "changes.budgets_note": "Spent compares final days with their part of the budget.",
    "changes.budgets_alt": "Budgets of the period with spending and forecast",
    "changes.budget_forecast": "{value} ({lower} to {upper})",
    "changes.everything": "Everything",
    "changes.column.payer": "Budget of",
    "changes.column.budget": "Budget",
    "changes.column.spent": "Spent",
    "changes.column.spent_ratio": "Of plan",
    "changes.column.forecast": "Forecast (80 %)",
    "changes.column.state": "By forecast",
    "changes.column.currency": "Currency",
    "changes.budget_state.over": "over",
    "changes.budget_state.under": "under",
    "changes.budget_state.unsure": "may be over",
    "changes.budget_state.unknown": "not known",
}
