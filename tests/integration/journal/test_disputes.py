"""A dispute from its opening to the credit in the next open month."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from support.books import DOCUMENT
from support.closing import FINANCE, MONTH, NEXT

from models.chargeback.lines import LineKind, amount
from models.vocabulary.errors import Conflict, Forbidden, InputError, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import verify
from service.usecases.disputes import (
    Claim,
    answer_dispute,
    comment_on_dispute,
    dispute_history,
    disputes,
    open_dispute,
    reject_dispute,
    settle_dispute,
    withdraw_dispute,
)
from service.usecases.journal import read_journal
from service.usecases.journal_mappings import import_mapping
from service.usecases.period_close import close_period, reopen_period
from service.usecases.period_correct import correct_period
from service.usecases.statement_lines import month_lines
from warehouse.database.disputes import DisputeState
from warehouse.evidence import EvidenceFiles

Make = Callable[..., Runtime]
RED = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))
PAYMENTS = Principal("pat", frozenset({Role.OWNER}), frozenset({"payments"}))
LEADER = Principal("lea", frozenset({Role.LEADERSHIP}))


def claim(**changes: object) -> Claim:
    values = {"month": MONTH, "team": "red", "reason": "not our nodes", "amount": Decimal("20.50")}
    return Claim(**{**values, **changes})  # type: ignore[arg-type]


def dispute_lines(runtime: Runtime, principal: Principal, month: str) -> list[tuple[str | None, Decimal]]:
    lines, _ = month_lines(runtime, principal, BillingMonth.read(runtime, month), "summary")
    return [(line.team, amount(line.effective)) for line in lines if line.kind is LineKind.DISPUTE]


@pytest.fixture
def runtime(make: Make) -> Runtime:
    """Return a runtime whose October is closed."""
    return make(is_closed=True)


def test_an_owner_contests_a_charge_with_evidence(runtime: Runtime, tmp_path: Path) -> None:
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(b"%PDF")
    found = open_dispute(runtime, RED, claim(), bill)
    assert (found.id, found.state, found.restates) == ("D-0001", DisputeState.OPEN, "2026-10-r1")
    assert (found.cost_centre, found.cluster, found.opened_by) == ("4711", "c1", "ann")
    assert found.deadline_at == runtime.now() + timedelta(days=30)
    _, (event,) = dispute_history(runtime, RED, "D-0001")
    assert (event.action, event.evidence_name) == ("open", "bill.pdf")
    assert event.evidence_sha256 is not None
    assert EvidenceFiles(runtime.warehouse.lake.root).read(event.evidence_sha256) == b"%PDF"


def test_without_an_amount_the_chosen_lines_are_contested(runtime: Runtime) -> None:
    lines = {"resource": "cpu", "day": "2026-10-05"}
    found = open_dispute(runtime, RED, claim(amount=None, lines=lines))
    detail, _ = month_lines(runtime, FINANCE, BillingMonth.read(runtime, MONTH), "detail")
    wanted = sum(
        line.effective
        for line in detail
        if (line.team, line.resource, str(line.day)) == ("red", "cpu", "2026-10-05")
    )
    assert wanted > 0
    assert found.amount.amount == round(amount(wanted), 2)
    assert found.subject.startswith("day 2026-10-05, resource cpu of red in 2026-10")


@pytest.mark.parametrize(
    ("changes", "problem", "message"),
    [
        ({"amount": Decimal(0)}, InputError, "is not above 0"),
        ({"amount": Decimal("100000")}, InputError, "is more than the charge of"),
        ({"amount": Decimal("1.001")}, InputError, "is finer than a coin of USD"),
        ({"lines": {"colour": "red"}}, UsageError, "lines are not chosen by colour"),
        ({"lines": {"namespace": "none"}}, NotFound, "red has no such charge in 2026-10"),
        ({"currency": "CNY"}, NotFound, "red has no such charge"),
        ({"reason": " "}, UsageError, "needs a reason"),
        ({"month": "2025-01"}, NotFound, "no such charge in 2025-01"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(
    runtime: Runtime, changes: dict[str, object], problem: type[Exception], message: str
) -> None:
    with pytest.raises(problem, match=message):
        open_dispute(runtime, RED, claim(**changes))
    assert disputes(runtime, FINANCE) == []


def test_people_do_what_their_role_allows_and_no_more(runtime: Runtime) -> None:
    with pytest.raises(Forbidden, match="may not speak for team red"):
        open_dispute(runtime, PAYMENTS, claim())
    with pytest.raises(Forbidden):
        open_dispute(runtime, LEADER, claim())
    open_dispute(runtime, RED, claim())
    assert disputes(runtime, PAYMENTS) == []
    assert [one.id for one in disputes(runtime, LEADER)] == ["D-0001"]
    for act in (
        lambda: answer_dispute(runtime, RED, "D-0001", "no"),
        lambda: settle_dispute(runtime, RED, "D-0001", Decimal(1), "platform"),
        lambda: reject_dispute(runtime, RED, "D-0001", "no"),
        lambda: withdraw_dispute(runtime, LEADER, "D-0001"),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(NotFound):
        comment_on_dispute(runtime, PAYMENTS, "D-0001", "hello")
    comment_on_dispute(runtime, RED, "D-0001", "please look", evidence="we had no pods there")
    assert withdraw_dispute(runtime, RED, "D-0001").state is DisputeState.WITHDRAWN


def test_who_answers_owns_the_dispute(runtime: Runtime) -> None:
    open_dispute(runtime, RED, claim())
    answered = answer_dispute(runtime, FINANCE, "D-0001", "looking")
    assert (answered.state, answered.owner) == (DisputeState.ANSWERED, "finance")
    assert answer_dispute(runtime, FINANCE, "D-0001", "still", owner="bob").owner == "bob"
    with pytest.raises(UsageError, match="only with a reason"):
        reject_dispute(runtime, FINANCE, "D-0001", "")
    assert reject_dispute(runtime, FINANCE, "D-0001", "charge stands").state is DisputeState.REJECTED
    with pytest.raises(Conflict, match="D-0001 is rejected"):
        settle_dispute(runtime, FINANCE, "D-0001", Decimal(1), "platform")


def test_a_credit_joins_the_next_open_month_and_the_closed_one_stays(runtime: Runtime) -> None:
    before = month_lines(runtime, FINANCE, BillingMonth.read(runtime, MONTH), "detail")
    open_dispute(runtime, RED, claim())
    settled = settle_dispute(runtime, FINANCE, "D-0001", Decimal("12.25"), "payments", "shared nodes")
    assert (settled.posted_in, settled.receiver) == (NEXT, "payments")
    assert month_lines(runtime, FINANCE, BillingMonth.read(runtime, MONTH), "detail") == before
    assert sorted(dispute_lines(runtime, FINANCE, NEXT), key=str) == [
        ("payments", Decimal("12.25")),
        ("red", Decimal("-12.25")),
    ]
    assert dispute_lines(runtime, RED, NEXT) == [("red", Decimal("-12.25"))]
    assert dispute_lines(runtime, PAYMENTS, NEXT) == [("payments", Decimal("12.25"))]
    assert [one.id for one in disputes(runtime, PAYMENTS)] == ["D-0001"]
    lines, _ = month_lines(runtime, FINANCE, BillingMonth.read(runtime, NEXT), "detail")
    credit = next(line for line in lines if line.team == "red")
    assert (credit.reference, credit.restates, credit.counterpart) == ("D-0001", "2026-10-r1", "payments")
    assert all(check.is_equal for check in verify(runtime, FINANCE, NEXT))


def test_a_credit_borne_by_the_platform_has_no_team(runtime: Runtime) -> None:
    open_dispute(runtime, RED, claim())
    settle_dispute(runtime, FINANCE, "D-0001", Decimal("20.50"), "platform")
    assert sorted(dispute_lines(runtime, FINANCE, NEXT), key=str) == [
        ("red", Decimal("-20.50")),
        (None, Decimal("20.50")),
    ]


@pytest.mark.parametrize(
    ("credit", "receiver", "problem", "message"),
    [
        ("20.51", "platform", InputError, "is more than the contested 20.50 USD"),
        ("0", "platform", InputError, "is not above 0"),
        ("1.001", "platform", InputError, "is finer than a coin"),
        ("1", "red", UsageError, "cannot be charged its own credit"),
        ("1", "nobody", NotFound, "no team nobody is charged in 2026-10"),
    ],
)
def test_a_settlement_that_cannot_be_is_refused(
    runtime: Runtime, credit: str, receiver: str, problem: type[Exception], message: str
) -> None:
    open_dispute(runtime, RED, claim())
    with pytest.raises(problem, match=message):
        settle_dispute(runtime, FINANCE, "D-0001", Decimal(credit), receiver)
    assert dispute_lines(runtime, FINANCE, NEXT) == []


def test_one_charge_is_never_credited_twice(runtime: Runtime) -> None:
    whole = open_dispute(runtime, RED, Claim(MONTH, "red", "not ours")).amount
    for part in (whole.amount - 1, Decimal(1)):
        dispute = open_dispute(runtime, RED, Claim(MONTH, "red", "again"))
        settle_dispute(runtime, FINANCE, dispute.id, part, "payments")
    with pytest.raises(InputError, match=f"{whole}, of which {whole} were credited before"):
        settle_dispute(runtime, FINANCE, "D-0001", Decimal("0.01"), "payments")
    credited = [cost for team, cost in dispute_lines(runtime, FINANCE, NEXT) if team == "red"]
    assert -sum(credited) == whole.amount


def test_a_month_with_open_disputes_closes_and_lists_them(make: Make) -> None:
    runtime = make()
    open_dispute(runtime, RED, claim())
    close_period(runtime, FINANCE, MONTH)
    month = BillingMonth.read(runtime, MONTH)
    assert month.frozen is not None
    (listed,) = month.frozen.manifest["disputes"]
    assert (listed["dispute_id"], listed["state"], listed["amount"]) == ("D-0001", "open", "20.50")


def test_a_dispute_about_an_open_month_is_settled_within_it_and_frozen_with_it(
    make: Make, tmp_path: Path
) -> None:
    runtime = make()
    file = tmp_path / "mapping.yaml"
    file.write_text(json.dumps(DOCUMENT))
    import_mapping(runtime, FINANCE, file)
    opened = open_dispute(runtime, RED, claim())
    assert opened.restates is None
    settled = settle_dispute(runtime, FINANCE, "D-0001", Decimal("5.00"), "payments")
    assert settled.posted_in == MONTH
    close_period(runtime, FINANCE, MONTH)
    assert sorted(dispute_lines(runtime, FINANCE, MONTH), key=str) == [
        ("payments", Decimal("5.00")),
        ("red", Decimal("-5.00")),
    ]
    booked = [line for line in read_journal(runtime, FINANCE, MONTH).lines if line.source_kind == "dispute"]
    assert sorted((line.side.value, line.cost_centre, amount(line.amount)) for line in booked) == [
        ("credit", "4711", Decimal(5)),
        ("debit", "9000", Decimal(5)),
    ]
    assert all("D-0001" in line.text for line in booked)
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))


def test_a_settled_credit_stays_in_its_month_through_reopening(make: Make) -> None:
    runtime = make()
    open_dispute(runtime, RED, claim())
    settle_dispute(runtime, FINANCE, "D-0001", Decimal("5.00"), "payments")
    close_period(runtime, FINANCE, MONTH)
    first = sorted(dispute_lines(runtime, FINANCE, MONTH), key=str)
    reopen_period(runtime, FINANCE, MONTH, "asked")
    close_period(runtime, FINANCE, MONTH)
    assert sorted(dispute_lines(runtime, FINANCE, MONTH), key=str) == first


def test_overdue_disputes_are_told_apart(runtime: Runtime) -> None:
    opened = open_dispute(runtime, RED, claim())
    assert not opened.is_overdue(runtime.now())
    assert opened.is_overdue(datetime(2026, 12, 21, tzinfo=UTC))


def test_correcting_a_month_leaves_its_settled_disputes_alone(make: Make) -> None:
    runtime = make()
    open_dispute(runtime, RED, claim())
    settle_dispute(runtime, FINANCE, "D-0001", Decimal("5.00"), "payments")
    close_period(runtime, FINANCE, MONTH)
    assert correct_period(runtime, FINANCE, MONTH).posted is None
