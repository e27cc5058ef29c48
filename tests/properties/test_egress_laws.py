"""Laws of shared egress: exact to the last of nine decimals, and by bytes alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.billing.charges import true_up_lines
from models.billing.egress import Payer, Sender, egress_lines

KEY = ("USD", "prod")
PAYERS = st.lists(
    st.builds(
        Payer, st.sampled_from([None, "red", "blue"]), st.none(), st.just("rule"), st.integers(0, 10**12)
    ),
    max_size=3,
).map(tuple)
SENDERS = st.lists(
    st.builds(
        Sender,
        st.sampled_from([None, "shop", "pay"]),
        st.just("Deployment"),
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.integers(0, 10**14).map(float), st.just(float("nan"))),
        PAYERS,
    ),
    max_size=12,
)
CHARGES = st.dictionaries(st.sampled_from(["INV-1 Traffic", "INV-2 Traffic"]), st.integers(-(10**13), 10**13))


@given(CHARGES, SENDERS)
def test_shared_egress_adds_up_to_the_bill_or_is_not_shared(
    charges: dict[str, int], senders: list[Sender]
) -> None:
    lines = egress_lines(KEY, charges, senders)
    has_bytes = any(sender.byte_count > 0 for sender in senders)
    assert sum(line.effective for line in lines) == (sum(charges.values()) if has_bytes else 0)


@given(CHARGES, SENDERS, st.integers(-(10**13), 10**13), st.integers(0, 10**13))
def test_sharing_egress_changes_no_sum_of_a_cluster(
    charges: dict[str, int], senders: list[Sender], billed: int, allocated: int
) -> None:
    shared = egress_lines(KEY, charges, senders)
    known = allocated + sum(line.effective for line in shared)
    lines = [*true_up_lines({KEY: billed}, {KEY: known}, "INV-1"), *shared]
    assert allocated + sum(line.effective for line in lines) == billed


@given(st.integers(1, 10**13), st.lists(st.integers(1, 10**12), min_size=1, max_size=12))
def test_each_sender_pays_by_its_bytes_within_a_unit(cost: int, counts: list[int]) -> None:
    senders = [Sender("shop", "Deployment", f"w{number}", float(n)) for number, n in enumerate(counts)]
    paid = {line.workload_name: line.effective for line in egress_lines(KEY, {"INV-1": cost}, senders)}
    for number, count in enumerate(counts):
        assert abs(paid.get(f"w{number}", 0) - cost * count / sum(counts)) <= 1.01
