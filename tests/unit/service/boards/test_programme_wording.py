from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from models.initiatives.initiative import Initiative
from models.initiatives.priorities import (
    Candidate,
    PilotRules,
    PriorityWeights,
    RankedCandidate,
    rank_candidates,
)
from models.initiatives.soak import Soak, SoakState
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.money import Money
from recommender.hpa_audit import AuditFinding
from service.boards.programme import SavingSums, build_figures
from service.boards.programme_candidates import build_candidates, pilot_text
from service.boards.programme_initiatives import build_card
from service.boards.programme_scalers import AuditRow, audit_text, build_audit, build_replicas
from service.boards.texts import say
from service.usecases.hpa_audit import AuditedWorkload
from service.usecases.initiatives import Benefit, InitiativeStatus
from service.usecases.initiatives_candidates import CandidateList
from service.usecases.initiatives_measure import Measurement
from service.usecases.replicas import WorkloadReplicas

UTC_ZONE = ZoneInfo("UTC")
STAGE = Initiative("Fewer nodes", "", datetime(2026, 10, 5, tzinfo=UTC))
MEASURED = Measurement(
    state="realised",
    reason="",
    soak=Soak(SoakState.CONFIRMED, 7),
    currency="EUR",
    realised_per_month=Decimal("1234.5"),
    saving_lower_80_per_month=Decimal(900),
    saving_upper_80_per_month=Decimal(1500),
)
STATUS = InitiativeStatus(STAGE, MEASURED, Decimal(0), (), None, None)
SUMS = SavingSums("EUR", None, 0, 0, None, None, {}, 0, sees_nodes=True)
WEB = WorkloadKey("prod", "shop", "Deployment", "web")


def cell(status: InitiativeStatus, label: str) -> tuple[str, str]:
    found = build_card(status, None, UTC_ZONE)
    return next((one.value, one.note) for one in found.cells if one.label == label)


def test_the_interval_is_written_like_its_larger_bound() -> None:
    assert cell(STATUS, "Realised") == ("1,234 EUR", "80 %: 900 to 1,500 EUR")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (STATUS, "no effort is recorded"),
        (replace(STATUS, person_days=Decimal(2)), "a part of the effort has no price"),
        (replace(STATUS, spent=(Money(Decimal(5), "USD"),)), "a part of the effort has no price"),
        (
            replace(
                STATUS,
                person_days=Decimal(2),
                invested=Money(Decimal(9), "EUR"),
                measurement=replace(MEASURED, realised_per_month=Decimal(0)),
            ),
            "nothing was saved",
        ),
        (
            replace(STATUS, person_days=Decimal(2), measurement=replace(MEASURED, realised_per_month=None)),
            "known once it is realised",
        ),
    ],
)
def test_a_payback_that_is_not_known_says_why(status: InitiativeStatus, why: str) -> None:
    assert cell(status, "Payback") == ("not known", why)


def test_nothing_realised_is_a_zero_with_its_reason_and_not_unknown() -> None:
    reason = "a commitment still runs on these nodes"
    measured = replace(MEASURED, realised_per_month=Decimal(0), reason=reason)
    found = build_card(replace(STATUS, measurement=measured), None, UTC_ZONE)
    assert found.cells[2].value == "0.00 EUR"
    assert found.lines[0] == "A commitment still runs on these nodes."


def test_shares_before_anything_is_realised_are_parts_only() -> None:
    benefit = Benefit({"ops": Decimal("0.666667"), "shop": Decimal("0.333333")}, {})
    (line,) = build_card(STATUS, benefit, UTC_ZONE).lines
    assert line == "Agreed shares: ops 66.7 %, shop 33.3 %; in money once it is realised."


def test_many_pools_are_named_in_part() -> None:
    peers = tuple(f"c{n}/p" for n in range(6))
    measured = replace(MEASURED, touched=("a/p",), peers=peers, left_out_peers=("z/p",))
    pools, left_out, _ = build_card(replace(STATUS, measurement=measured), None, UTC_ZONE).lines
    assert pools == "Touches a/p; compared with c0/p, c1/p, c2/p, c3/p and 2 more."
    assert left_out == "Not compared, did not run parallel: z/p."


def test_savings_that_are_not_measured_are_words_and_never_zero() -> None:
    values = [figure.value for figure in build_figures(SUMS)]
    assert values == ["not measured yet", "not measured yet", "no open suggestion saves", "nothing recorded"]


def test_savings_of_nodes_are_not_shown_to_those_who_see_none() -> None:
    owner = replace(SUMS, sees_nodes=False, other=None, requested=Decimal(12))
    values = {figure.key: figure.value for figure in build_figures(owner)}
    assert values == {
        "realised": "not shown",
        "bankable": "not shown",
        "requested": "12.00 EUR",
        "other": "not shown",
    }


def test_the_pilot_is_marked_and_explained() -> None:
    candidates = [
        Candidate("prod/big", 0.5, 0.1, Decimal(90), 1.0, is_core=False),
        Candidate("prod/shop", 0.03, 0.2, Decimal(40), 0.9, is_core=False, workload_class="daily"),
    ]
    ranked = tuple(rank_candidates(candidates, PriorityWeights()))
    pilot: RankedCandidate = next(one for one in ranked if one.candidate.name == "prod/shop")
    text = pilot_text(pilot, PilotRules(), "EUR")
    assert text.startswith("Pilot: prod/shop, score ")
    assert "3.0 % of the cost, 40.00 EUR a month requested, use is daily." in text
    assert text.endswith("costs between 1 % and 5 % of all.")
    board = build_candidates(CandidateList(ranked, PriorityWeights(), 3, "EUR"), "prod/shop", text)
    assert [row.name for row in board.rows if row.is_pilot] == ["prod/shop"]
    assert "version 3" in board.weights


def test_money_beyond_need_is_added_by_currency_and_the_unknown_counted() -> None:
    row = AuditRow("shop/web", "prod", "shop", "HPA web")
    rows = [
        replace(row, excess_cost=Decimal("1.50"), currency="EUR"),
        replace(row, excess_cost=Decimal("2.25"), currency="EUR"),
        replace(row, excess_cost=Decimal(4), currency="USD"),
        row,
    ]
    assert audit_text(rows) == (
        "Spent while more replicas ran than were needed: 3.75 EUR, 4.00 USD in 7 days. "
        "Not known for 1: no price, or a metric that is not stored here."
    )
    assert "Spent" not in audit_text([row])


def test_an_autoscaler_or_workload_without_figures_keeps_its_reason() -> None:
    audited = build_audit(AuditedWorkload(WEB, None, "ScaledObject web", None, "it did not run"))
    assert (audited.scaler, audited.team, audited.reason) == ("KEDA web", "(no owner)", "it did not run")
    assert (audited.excess_cost, audited.replicas_mean) == (None, None)
    advised = build_replicas(WorkloadReplicas(WEB, "shop", None, None, "no CPU use was measured"))
    assert (advised.scaler, advised.reason, advised.advised) == ("nothing", "no CPU use was measured", None)


@pytest.mark.parametrize("finding", AuditFinding)
def test_every_finding_of_the_audit_has_a_text(finding: AuditFinding) -> None:
    assert say(f"programme.finding.{finding}")
