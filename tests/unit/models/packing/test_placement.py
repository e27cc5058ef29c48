import pytest

from models.packing.placement import NodeRules, PodRules, may_run
from models.packing.removal import NodeView, RemovalState, judge_removal, next_step

GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
NODE = NodeRules("n1", {"zone": "a", "size": "8"}, ())


@pytest.mark.parametrize(
    ("toleration", "may"),
    [
        (None, False),
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "gpu", "value": "yes"}, True),
        ({"key": "gpu", "operator": "Equal", "value": "no"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_taint_keeps_out_who_does_not_tolerate_it(toleration, may):
    pod = PodRules(tolerations=[] if toleration is None else [toleration])
    assert may_run(pod, NodeRules("n1", {}, [GPU])) is may
    assert may_run(pod, NodeRules("n1", {}, [{**GPU, "effect": "PreferNoSchedule"}]))


def affinity(*expressions, field: str = "matchExpressions") -> PodRules:
    return PodRules(node_affinity_terms=[{field: list(expressions)}])


@pytest.mark.parametrize(
    ("pod", "may"),
    [
        (PodRules(node_selector={"zone": "a"}), True),
        (PodRules(node_selector={"zone": "b"}), False),
        (affinity({"key": "zone", "operator": "In", "values": ["a", "b"]}), True),
        (affinity({"key": "zone", "operator": "NotIn", "values": ["a"]}), False),
        (affinity({"key": "gpu", "operator": "NotIn", "values": ["a"]}), True),
        (affinity({"key": "gpu", "operator": "Exists"}), False),
        (affinity({"key": "gpu", "operator": "DoesNotExist"}), True),
        (affinity({"key": "size", "operator": "Gt", "values": ["4"]}), True),
        (affinity({"key": "size", "operator": "Lt", "values": ["4"]}), False),
        (affinity({"key": "zone", "operator": "Gt", "values": ["4"]}), False),
        (affinity({"key": "zone", "operator": "Near", "values": ["a"]}), False),
        (affinity({"key": "metadata.name", "operator": "In", "values": ["n1"]}, field="matchFields"), True),
        (affinity({"key": "metadata.name", "operator": "In", "values": ["n2"]}, field="matchFields"), False),
        (PodRules(node_affinity_terms=[{}]), False),
        (
            affinity(
                {"key": "zone", "operator": "Exists"}, {"key": "zone", "operator": "In", "values": ["b"]}
            ),
            False,
        ),
    ],
)
def test_selectors_and_required_affinity_bind_as_in_kubernetes(pod, may):
    assert may_run(pod, NODE) is may


def test_any_one_of_several_terms_is_enough():
    terms = [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]} for zone in ("b", "a")
    ]
    assert may_run(PodRules(node_affinity_terms=terms), NODE)


def test_a_node_goes_by_lock_evict_offline_and_pods_without_a_home_are_repaired_first():
    steps = [
        (NodeView(True, False, 5), RemovalState.ADVISED, "kubectl cordon n1"),
        (NodeView(True, True, 5), RemovalState.LOCKED, "kubectl drain n1"),
        (NodeView(True, True, 0), RemovalState.EVICTED, "switch n1 off"),
        (NodeView(False, False, 0), RemovalState.OFFLINE, "nothing"),
        (NodeView(True, True, 2, homeless_pod_count=1), RemovalState.REPAIRING, "kubectl uncordon n1"),
        (NodeView(False, False, 0, homeless_pod_count=1), RemovalState.REPAIRING, "kubectl uncordon n1"),
    ]
    for view, state, text in steps:
        assert judge_removal(view) is state
        assert next_step(state, "n1").startswith(text)
