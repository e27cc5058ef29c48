"""Texts that every board shares: navigation, marks of doubt, periods, states of a page."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "app.name": "Millicore",
    "app.tagline": "Cost and use of Kubernetes clusters",
    "app.footer": "Days are billing days in {zone}. Reading as {principal}.",
    "nav.leadership": "Cost board",
    "nav.leadership.help": "What the clusters cost, why it changed, who caused it.",
    "nav.changes": "Changes",
    "nav.changes.help": "Why cost moved, what left its range, and how budgets stand.",
    "nav.suggestions": "Suggestions",
    "nav.suggestions.help": "Advised requests and limits: evidence, risk, money, your decision.",
    "nav.chargeback": "Chargeback",
    "nav.chargeback.help": "What to book to which cost centre; checks and files by month.",
    "nav.oversell": "Oversell",
    "nav.oversell.help": "How far each pool can be oversold, and what limits it.",
    "nav.programme": "Programme",
    "nav.programme.help": "Initiatives and what they brought, what comes next, autoscalers and replicas.",
    "nav.health": "Data health",
    "nav.health.help": "Which hours are stored, what is missing and how to turn it on.",
    "header.data_until": "Final until {day}",
    "header.no_final_day": "No final day yet",
    "mark.simulated": "Simulated data",
    "mark.assumed": "{ratio} assumed prices",
    "mark.unpriced": "{count} without price",
    "mark.partial": "{covered} of {days} days",
    "mark.stale": "Newest final day ended {age} ago",
    "mark.currencies": "{count} currencies stored; shown is {currency}",
    "serve.link": "Boards: {link}",
    "period.no_final_day": "no final day yet",
    "period.partial": "{span}, {covered} of {days}",
    "period.seven_days": "Last 7 full days",
    "period.choose": "Period",
    "currency.choose": "Currency",
    "compare.days": "against {earlier}",
    "compare.paired": "against {earlier} ({count} of {days} days)",
    "compare.average": "average per day against {earlier}",
    "compare.not_fully_covered": "no change shown: days of the period are missing",
    "compare.earlier_not_covered": "no change shown: the days before are not fully stored",
    "compare.no_final_day": "no change shown: no day of the period is final yet",
    "compare.new": "new: nothing before",
    "state.error": "The data could not be read ({at}). Nothing below is a figure; try again.",
    "state.error_detail": "{problem}",
    "state.forbidden": "You have no right to this board. {problem}.",
    "state.anonymous": "Sign in first. Open the link that `millicore serve` printed.",
    "state.empty": "Nothing is stored yet.",
    "state.empty_steps": (
        "1. `millicore connect --prometheus URL` reads a cluster, or `millicore demo` shows a simulated "
        "one.  2. The first boards come minutes later."
    ),
    "state.stale_amber": "The newest final day ended {age} ago. Figures are true, but old.",
    "state.stale_red": (
        "The newest final day ended {age} ago. Do not decide on these figures; see data health."
    ),
    "state.partial": "Days are missing: {days}. No change or verdict is shown.",
    "state.retry": "Try again",
    "state.unexpected": "This board met an unexpected problem. It has been logged.",
}
