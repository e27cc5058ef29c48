"""Texts of the cost board."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "leadership.title": "Cost board",
    "leadership.cost_to_date": "Cost to date",
    "leadership.cost_of_period": "Cost of the period",
    "leadership.cost_help": (
        "Sum of node costs at effective price over the final days: used + requested but unused + idle + "
        "overhead. The change compares the same number of days."
    ),
    "leadership.forecast": "Month-end forecast",
    "leadership.forecast_interval": "80 %: {lower} to {upper}",
    "leadership.forecast_model": "{model}; {days} days to come",
    "model.last_value": "like the last days",
    "model.seasonal_naive_week": "like the same weekday of last week",
    "model.profile_week_with_level": "weekly profile with level",
    "leadership.forecast_help": (
        "Cost to date plus the forecast of the days to come. The interval holds the true value in 80 of "
        "100 months, by the errors of past forecasts."
    ),
    "leadership.forecast_too_early": "needs {needed} final days, has {days}",
    "leadership.forecast_not_run": "no forecast stored for this month yet",
    "leadership.forecast_not_running": "the period is over",
    "leadership.forecast_stale": "hidden: the data is too old",
    "leadership.budget": "Budget performance",
    "leadership.budget_none": "no budget set",
    "leadership.budget_detail": "{cost} of {prorated} by this day",
    "leadership.budget_month": "month: {budget}",
    "leadership.budget_over": "forecast {amount} over the month's budget",
    "leadership.budget_under": "forecast {amount} under the month's budget",
    "leadership.budget_help": (
        "Cost to date divided by the budget prorated to the same days. Over 100 % spends faster than planned."
    ),
    "leadership.owned": "Owned share",
    "leadership.owned_guessed": "guessed beside it: {guessed}",
    "leadership.owned_none": "without owner: {unowned}",
    "leadership.owned_help": (
        "Share of the cost of workloads whose team is named by a rule or a label. Owners guessed from the "
        "namespace's name do not count. Idle and overhead have no owner."
    ),
    "leadership.used": "Used share",
    "leadership.used_unused": "requested, unused: {unused}",
    "leadership.used_idle": "idle: {idle}",
    "leadership.used_help": "Cost of what containers really used, divided by the whole cost.",
    "leadership.realised": "Realised saving",
    "leadership.realised_help": (
        "What left the node bill after an optimisation stage, at effective price and normalised for load. "
        "Lower requests alone are not money: bankable is what re-packing would free."
    ),
    "leadership.bankable": "bankable: {amount} a month",
    "leadership.bankable_not_measured": "bankable: not measured yet",
    "leadership.requested": "requested: {amount} a month, not yet money",
    "leadership.requested_none": "no open suggestion saves requests",
    "not_measured": "not measured yet",
    "leadership.daily": "Cost by day",
    "leadership.daily_alt": "Cost of each day of the period beside the earlier period",
    "leadership.causes": "Where the money goes",
    "leadership.causes_alt": "Share of the cost that is used, requested but unused, idle and overhead",
    "leadership.causes_note": (
        "Idle is capacity that nobody requested or used. Overhead is what nodes keep for themselves."
    ),
    "leadership.stages": "Optimisation stages, before and after",
    "leadership.stages_none": "No optimisation stage is recorded yet.",
    "leadership.stages_note": (
        "{before} against {after}, per day. Growth of load is in these figures; the realised saving leaves "
        "it out."
    ),
    "leadership.teams": "Teams",
    "leadership.teams_note": "sum of all rows {total}",
    "leadership.teams_alt": "Cost by team with idle, overhead and unowned rows; the last row is the sum",
    "leadership.attention": "Needs your attention",
    "leadership.attention_none": "Nothing stands out.",
    "chart.final_day": "final day",
    "chart.running_day": "not final yet",
    "chart.earlier": "earlier",
    "cause.used": "Used",
    "cause.unused": "Requested, unused",
    "cause.unmeasured": "Requested, use not measured",
    "cause.idle": "Idle",
    "cause.overhead": "Overhead",
    "team.unowned": "(no owner)",
    "team.idle": "(idle capacity)",
    "team.overhead": "(overhead)",
    "team.total": "Total",
    "team.others": "({count} other teams)",
    "column.team": "Team",
    "column.cost": "Cost, {currency}",
    "column.share": "Share",
    "column.change": "Change, {currency}",
    "column.change_ratio": "Change, %",
    "column.request_use": "CPU used",
    "column.trend": "By day",
    "column.owner_source": "Owner by",
    "sentence.same": "Cost is the same as in {earlier}.",
    "sentence.less": "{amount} ({ratio}) less than in {earlier}.",
    "sentence.more": "{amount} ({ratio}) more than in {earlier}.",
    "sentence.drivers": "Largest parts: {drivers}.",
    "sentence.no_comparison": "{cost} in {days}; {reason}.",
    "sentence.no_data": "No cost is stored for this period yet.",
    "attention.over_budget": "Forecast is {amount} over the month's budget.",
    "attention.growth": "{team}: {amount} ({ratio}) more than before.",
    "attention.unowned": "{amount} ({ratio} of workload cost) has no owner.",
    "attention.assumed": "{amount} rests on assumed prices. Add the node types to the price file.",
    "attention.unpriced": "{count} rows have no price; their cost is in no figure.",
    "attention.missing_days": "{count} days of the period are not fully stored. See data health.",
    "attention.stale": "No new final day for {age}. See data health.",
    "attention.idle": "{ratio} of the cost is idle capacity: {amount}.",
    "stage.nodes": "Nodes",
    "stage.cpu": "CPU cores",
    "stage.memory": "Memory, GiB",
    "stage.cost": "Cost per day, {currency}",
    "stage.pair": "{before} \N{RIGHTWARDS ARROW} {after}",
    "stage.running": "running",
    "stage.measuring": "measuring",
    "stage.measured": "measured",
    "stage.no_before": "not enough days before",
    "stage.column": "Stage",
    "stage.when": "When",
    "stage.state": "State",
}
