"""Texts of the board of the optimisation programme."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "programme.title": "Programme",
    "programme.empty": "No initiative, no cost and no other saving is stored yet.",
    "programme.never_added": (
        "Requested, bankable and realised are three views of the same money and are never added. Other "
        "savings are no infrastructure and are in none of them."
    ),
    "programme.realised": "Realised saving",
    "programme.realised_note": "a month, left the node bill",
    "programme.realised_count": "{count} of {initiatives} initiatives realised",
    "programme.realised_help": (
        "What left the node bill after initiatives, growth of untouched pools taken out, after seven clean "
        "days. Of initiatives that touch the same pool only the largest counts."
    ),
    "programme.bankable": "Bankable saving",
    "programme.bankable_note": "a month, if pods are packed anew",
    "programme.bankable_help": (
        "What the nodes cost that could go if all open suggestions were applied and pods were packed anew."
    ),
    "programme.requested": "Requested saving",
    "programme.requested_note": "a month in lower requests",
    "programme.requested_detail": "not money until nodes go",
    "programme.requested_none": "no open suggestion saves",
    "programme.requested_help": "What all open suggestions would take off the cost of requests.",
    "programme.other": "Other savings",
    "programme.other_note": "not infrastructure: {lines}",
    "programme.other_more": "also {amounts}",
    "programme.other_none": "nothing recorded",
    "programme.other_help": (
        "People, licences, contracts and the like: whole amounts of lines with evidence and an approver."
    ),
    "programme.not_shown": "not shown",
    "programme.nodes_of_no_team": "nodes belong to no team",
    "programme.needs_role": "needs a role that sees all teams",
    "programme.initiatives": "Initiatives",
    "programme.initiatives_note": "per month of 30 days, newest first",
    "programme.initiatives_none": "No initiative is planned yet: `millicore initiative add`.",
    "programme.initiatives_hidden": (
        "Initiatives are measured on node bills, which belong to no team. The roles platform, finance, "
        "leadership and admin see them."
    ),
    "programme.initiatives_more": "{count} older initiatives",
    "programme.since": "since {day}",
    "programme.owner": "owner {owner}",
    "programme.closed": "closed {day}",
    "programme.state.planned": "planned",
    "programme.state.running": "running",
    "programme.state.not_measurable": "not measurable",
    "programme.state.soaking": "soaking",
    "programme.state.realised": "realised",
    "programme.cell.target": "Target",
    "programme.cell.target_none": "none set",
    "programme.cell.forecast": "Forecast",
    "programme.cell.forecast_none": "none",
    "programme.cell.realised": "Realised",
    "programme.cell.realised_none": "not measurable",
    "programme.cell.realised_early": "not yet",
    "programme.cell.interval": "80 %: {lower} to {upper}",
    "programme.cell.payback": "Payback",
    "programme.cell.payback_none": "not known",
    "programme.cell.payback_months": "{months} months",
    "programme.cell.payback_after": "known once it is realised",
    "programme.cell.payback_no_effort": "no effort is recorded",
    "programme.cell.payback_no_price": "a part of the effort has no price",
    "programme.cell.payback_no_saving": "nothing was saved",
    "programme.cell.invested": "{amount} invested",
    "programme.left_bill": "So far {amount} a month left the bill (80 %: {lower} to {upper}).",
    "programme.bill": "Node bill a day: {before} before, {after} after, {without} without it ({days}).",
    "programme.bill_days": "{before} against {after}",
    "programme.pools": "Touches {touched}; compared with {peers}.",
    "programme.pools_left_out": "Not compared, did not run parallel: {pools}.",
    "programme.and_more": "{names} and {count} more",
    "programme.share": "{party} {ratio} ({amount} a month)",
    "programme.share_later": "{party} {ratio}",
    "programme.shares": "Shares of the benefit: {shares}.",
    "programme.shares_later": "Agreed shares: {shares}; in money once it is realised.",
    "programme.shares_none": "No shares of the benefit are agreed.",
    "programme.candidates": "What comes next",
    "programme.candidates_alt": "Applications by score with the four inputs of it",
    "programme.candidates_note": "applications (namespaces) by score, from 28 days",
    "programme.candidates_none": (
        "No cost of the last 28 days is stored in {currency}: nothing can be ranked."
    ),
    "programme.candidates_hidden": (
        "The ranking compares applications of all teams. The roles platform, finance, leadership and admin "
        "see it."
    ),
    "programme.weights": (
        "The score, 0 to 1, weighs cost share by {cost}, ease by {ease}, saving with its confidence by "
        "{saving} and not being core by {core}; weights {version}. Core applications never come in wave 1."
    ),
    "programme.weights_default": "as delivered",
    "programme.weights_version": "version {version}",
    "programme.pilot": (
        "Pilot: {name}, score {score}, {cost} of the cost, {saving} a month requested, use is {shape}. The "
        "best that is not core and costs between {lower} and {upper} of all."
    ),
    "programme.shape_unknown": "not known",
    "programme.pilot_none": "No pilot: {reason}.",
    "programme.column.rank": "#",
    "programme.column.application": "Application",
    "programme.column.score": "Score",
    "programme.column.wave": "Wave",
    "programme.column.cost_share": "Cost share",
    "programme.column.difficulty": "Difficulty",
    "programme.column.difficulty_help": "0 is easy, 1 is hard",
    "programme.column.saving": "Saving, {currency}/month",
    "programme.column.saving_help": "Requested saving of open suggestions; not money until nodes go",
    "programme.column.confidence": "Confidence",
    "programme.column.core": "Core",
    "programme.column.pilot": "Pilot",
    "programme.yes": "yes",
    "programme.no": "no",
    "programme.is_pilot": "pilot",
    "programme.ledger": "Other savings, not infrastructure",
    "programme.ledger_alt": "Lines of the savings ledger",
    "programme.ledger_note": "whole amounts, newest first",
    "programme.ledger_none": "No other saving is recorded yet: `millicore savings add`.",
    "programme.ledger_hidden": (
        "Other savings are of the whole company. The roles platform, finance, leadership and admin see them."
    ),
    "programme.column.day": "Day",
    "programme.column.category": "Category",
    "programme.column.description": "What",
    "programme.column.amount": "Amount",
    "programme.column.currency": "Currency",
    "programme.column.evidence": "Evidence",
    "programme.column.approver": "Approved by",
    "programme.column.recorded_by": "Recorded by",
    "programme.column.initiative": "Initiative",
    "programme.audit": "Autoscalers",
    "programme.audit_note": "last 7 days",
    "programme.audit_alt": "Autoscalers with target and achieved use, time at bounds and money beyond need",
    "programme.audit_none": (
        "No autoscaler is known of workloads that you may see. They are read from the Kubernetes API: "
        "`millicore connect`."
    ),
    "programme.audit_spent": "Spent while more replicas ran than were needed: {amounts} in 7 days.",
    "programme.audit_unpriced": "Not known for {count}: no price, or a metric that is not stored here.",
    "programme.column.workload": "Workload",
    "programme.column.cluster": "Cluster",
    "programme.column.team": "Team",
    "programme.column.scaler": "Scaled by",
    "programme.column.target": "Target",
    "programme.column.achieved": "Achieved",
    "programme.column.bounds": "Min to max",
    "programme.column.mean": "Replicas",
    "programme.column.at_minimum": "At min",
    "programme.column.at_maximum": "At max",
    "programme.column.excess": "Unneeded h",
    "programme.column.excess_help": "Replica-hours in which more replicas ran than their use needed",
    "programme.column.excess_cost": "Spent on it",
    "programme.column.flaps": "Flaps/day",
    "programme.column.findings": "What stands out",
    "programme.column.reason": "Why no figure",
    "programme.target_none": "not stated",
    "programme.achieved_none": "not stored here",
    "programme.finding.held_by_minimum": "held by minimum",
    "programme.finding.at_maximum": "often at maximum",
    "programme.finding.below_target": "far below target",
    "programme.finding.above_target": "far above target",
    "programme.finding.flapping": "flaps",
    "programme.replicas": "Replicas for the coming week",
    "programme.replicas_note": "what-if cost of 720 hours; upper bound of the forecast",
    "programme.replicas_alt": "Workloads with replicas now, needed and advised, and what they cost",
    "programme.replicas_none": (
        "Nothing that you may see scales itself or has a load test. `millicore replicas list --all` "
        "adds the rest."
    ),
    "programme.column.basis": "From",
    "programme.column.peak": "Peak",
    "programme.column.per_replica": "Per replica",
    "programme.column.now": "Now",
    "programme.column.needed": "Needed",
    "programme.column.advised": "Advised",
    "programme.column.cost_now": "Cost/month",
    "programme.column.cost_then": "Then",
    "programme.column.bound": "Bound by",
    "programme.column.doubts": "Doubts",
    "programme.scaler.HorizontalPodAutoscaler": "HPA {name}",
    "programme.scaler.ScaledObject": "KEDA {name}",
    "programme.nothing_scales": "nothing",
    "programme.basis.utilisation": "its target",
    "programme.basis.load_test": "a load test",
    "programme.basis.weighted_requests": "weighted requests",
    "programme.bound.minimum": "minimum",
    "programme.bound.maximum": "maximum",
    "programme.bound.tolerance": "tolerance",
    "programme.bound.scale_down_window": "scale-down window",
    "programme.flag.no_forecast": "no forecast: past peak",
    "programme.flag.cost_at_mean_replicas": "cost at mean replicas",
    "programme.flag.missing_pods": "pods without measure",
    "programme.flag.scaled_by_other_metrics": "other metrics count too",
    "programme.flag.at_present_request": "at its present request",
    "programme.flag.load_test_expired": "load test too old",
    "programme.flag.load_test_without_demand": "load test without demand",
}
