from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.kubernetes.pod_request import ContainerKind, ContainerResources, combine_requests

amounts = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]),
    st.decimals(min_value=0, max_value=64, places=3),
)


def containers(kinds: list[ContainerKind]) -> st.SearchStrategy[list[ContainerResources]]:
    return st.lists(
        st.builds(ContainerResources, st.just("c"), st.sampled_from(kinds), amounts, st.just({})), max_size=6
    )


ANY = list(ContainerKind)[:3]


@given(containers(ANY))
def test_the_effective_request_covers_every_container(pods: list[ContainerResources]) -> None:
    effective = combine_requests(pods)
    for entry in pods:
        for name, amount in entry.requests.items():
            assert effective[name] >= amount


@given(containers(ANY), containers([ContainerKind.MAIN]), st.randoms())
def test_the_order_of_main_containers_does_not_matter(
    first: list[ContainerResources], main: list[ContainerResources], random: object
) -> None:
    shuffled = list(main)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine_requests([*first, *main]) == combine_requests([*shuffled, *first])


@given(containers(ANY))
def test_the_effective_request_is_at_least_what_runs_and_at_most_the_sum(
    pods: list[ContainerResources],
) -> None:
    effective = combine_requests(pods)
    for name, amount in effective.items():
        everything = sum((entry.requests.get(name, Decimal(0)) for entry in pods), Decimal(0))
        running = sum(
            (entry.requests.get(name, Decimal(0)) for entry in pods if entry.kind is not ContainerKind.INIT),
            Decimal(0),
        )
        assert running <= amount <= everything


@given(containers(ANY), amounts)
def test_overhead_adds_exactly(pods: list[ContainerResources], overhead: dict[str, Decimal]) -> None:
    plain, loaded = combine_requests(pods), combine_requests(pods, overhead=overhead)
    for name, amount in loaded.items():
        assert amount == plain.get(name, Decimal(0)) + overhead.get(name, Decimal(0))
