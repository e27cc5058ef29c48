"""Clusters that each show one trap of real metrics, told apart by the label ``cluster``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from support.open_metrics import GIB, ClusterWriter, TestContainer, TestPod

from models.vocabulary.windows import HourWindow

START = datetime(2026, 11, 1, tzinfo=UTC)
T0 = START.timestamp()
HOURS = 4
END = T0 + HOURS * 3600
WINDOW = HourWindow(START, START + timedelta(hours=HOURS))
LONG_AGO, NEVER = T0 - 90_000, T0 + 9e9


def usual(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER, labels={"team": "shop"}))
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n1", T0 + 4000, T0 + 9000))


def pod_totals(writer: ClusterWriter) -> None:
    usual(writer)
    total = {"namespace": "shop", "pod": "web-5d4f7-abcde", "id": "/kubepods/u1", "image": ""}
    for container in ("", "POD"):
        for moment in writer.moments(T0, END):
            writer.file.add(
                "container_cpu_usage_seconds_total",
                {**total, **writer.extra, "container": container},
                moment,
                3 * moment,
            )
            writer.file.add(
                "container_memory_working_set_bytes",
                {**total, **writer.extra, "container": container},
                moment,
                9 * GIB,
            )


def reused_name(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    change = T0 + 5400 + 100
    old = TestContainer("app", cpu_usage=lambda _: 0.8)
    new = TestContainer("app", cpu_usage=lambda _: 0.2)
    writer.add_pod(
        TestPod(
            "shop", "db-0", "old", "n1", LONG_AGO, change, (old, TestContainer("gone")), ("StatefulSet", "db")
        )
    )
    writer.add_pod(TestPod("shop", "db-0", "new", "n1", change + 20, NEVER, (new,), ("StatefulSet", "db")))


def restarted(writer: ClusterWriter) -> None:
    usual(writer)
    identity = {
        "namespace": "shop",
        "pod": "web-5d4f7-abcde",
        "uid": "u1",
        "container": "app",
        **writer.extra,
    }
    kills = (T0 + 2 * 3600 + 610.0, T0 + 2 * 3600 + 1810.0)
    for moment in writer.moments(T0, END):
        happened = [kill for kill in kills if kill <= moment]
        samples = writer.file.samples["kube_pod_container_status_restarts_total"]
        for index, (labels, at, _) in enumerate(samples):
            if at == moment and labels.get("uid") == "u1" and labels.get("cluster") == "restarted":
                samples[index] = (labels, at, float(len(happened)))
        if happened:
            writer.file.add(
                "kube_pod_container_status_last_terminated_reason",
                {**identity, "reason": "OOMKilled"},
                moment,
                1.0,
            )
            writer.file.add(
                "kube_pod_container_status_last_terminated_timestamp", identity, moment, happened[-1]
            )
    # the old instance's series lingers for five minutes beside the new one's
    old = {
        "namespace": "shop",
        "pod": "web-5d4f7-abcde",
        "container": "app",
        "image": "registry/app:1",
        "id": "/kubepods/u1/before",
        **writer.extra,
    }
    for moment in writer.moments(T0 + 2 * 3600 + 300, T0 + 2 * 3600 + 900):
        writer.file.add("container_memory_working_set_bytes", old, moment, GIB / 4)


def short_jobs(writer: ClusterWriter) -> None:
    usual(writer)
    for number in range(3):
        start = T0 + 3600 * number + 47
        name = f"tick-2900000{number}"
        writer.add_pod(
            TestPod(
                "jobs",
                f"{name}-x",
                f"j{number}",
                "n1",
                start,
                start + 20,
                owner=("Job", name),
                completed=True,
                lingers_until=END,
            )
        )


def waiting(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "broken-1-a", "u1", "n1", T0 + 1800, NEVER, pending_until=NEVER))


def started_in_steps(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    containers = (
        TestContainer("app", cpu_request=1.0),
        TestContainer("setup", cpu_request=3.0, memory_request=GIB / 2, init="init"),
        TestContainer("proxy", cpu_request=0.5, init="sidecar"),
    )
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER, containers))


def with_gaps(writer: ClusterWriter) -> None:
    writer.gaps = [(T0 + 3600, T0 + 2 * 3600), (T0 + 2 * 3600 + 600, T0 + 2 * 3600 + 3000)]
    usual(writer)


def without_kubelet(writer: ClusterWriter) -> None:
    usual(writer)
    for metric in ("container_cpu_usage_seconds_total", "container_memory_working_set_bytes"):
        writer.file.samples[metric] = [
            row
            for row in writer.file.samples[metric]
            if row[0]["cluster"] != "no_kubelet" or not T0 + 3600 <= row[1] < T0 + 7200
        ]


def without_labels(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER, labels={}, is_root_exported=False)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER))


def replaced_node(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, T0 + 5000, provider_id="aws:///eu-west-1a/i-old")
    writer.add_node("n1", T0 + 5600, NEVER, provider_id="aws:///eu-west-1a/i-new")
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, T0 + 5000))
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n1", T0 + 5700, NEVER))


OWNERS = {
    ("ReplicaSet", "shop-7c9d5"): ("Rollout", "shop"),
    ("ReplicaSet", "lonely-6b8f4"): ("ReplicaSet", "lonely-6b8f4"),
    ("ReplicationController", "portal-3"): ("DeploymentConfig", "portal"),
    ("StatefulSet", "db"): ("StatefulSet", "db"),
    ("DaemonSet", "agent"): ("DaemonSet", "agent"),
    ("Job", "report-29000000"): ("CronJob", "report"),
    ("<none>", "<none>"): ("Pod", "debug-6"),
}
"""Owner that kube_pod_owner names, and the workload that it comes to."""


def owned_in_many_ways(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.owners = {"shop-7c9d5": ("Rollout", "shop"), "lonely-6b8f4": ("<none>", "<none>")}
    for number, owner in enumerate(OWNERS):
        name = f"{owner[1]}-abcde" if owner[0] != "<none>" else f"debug-{number}"
        writer.add_pod(TestPod("shop", name, f"u{number}", "n1", LONG_AGO, NEVER, owner=owner))


def stored_and_balanced(writer: ClusterWriter) -> None:
    """Two pods share a claim, one has its own; a volume is left behind, one grows, the last one goes."""
    writer.add_node("n1", LONG_AGO, NEVER)
    first = TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER)
    second = TestPod("shop", "web-5d4f7-fghij", "u2", "n1", T0 + 1800, T0 + 5400)
    own = TestPod("shop", "db-0", "u3", "n1", T0 + 600, NEVER, owner=("StatefulSet", "db"))
    for pod, claim in ((first, "shared"), (second, "shared"), (own, "data-db-0")):
        writer.add_pod(pod)
        writer.add_mount(pod, claim)
    writer.add_volume("pv-shared", LONG_AGO, NEVER, claim=("shop", "shared"))
    writer.add_volume("pv-data", T0 + 300, NEVER, claim=("shop", "data-db-0"), size=_grown)
    # the disk of the claim's former life, kept by its reclaim policy
    writer.add_volume("pv-former", LONG_AGO, T0 + 7200, claim=("shop", "data-db-0"), is_bound=False)
    writer.add_volume("pv-spare", LONG_AGO, T0 + 9000, is_created_known=False)
    writer.add_service("shop", "public", T0 + 900, NEVER, "LoadBalancer", "a1.elb.amazonaws.com")
    writer.add_service("shop", "pending", LONG_AGO, T0 + 3600, "LoadBalancer", "")
    writer.add_service("shop", "inner", LONG_AGO, NEVER, "ClusterIP", "")


def _grown(moment: float) -> float:
    return (20 if moment < T0 + 2 * 3600 + 1800 else 40) * GIB


def on_the_hosts_network(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_node("n2", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER))
    for number in (1, 2):
        pod = TestPod(
            "infra", f"proxy-{number}", f"h{number}", f"n{number}", LONG_AGO, NEVER, host_network=True
        )
        writer.add_pod(pod)
        labels = {"namespace": "infra", "pod": pod.name, "node": pod.node}
        writer.add_traffic({**labels, "interface": "eth0"}, T0 - 60, NEVER, 1000.0)
        writer.add_traffic({**labels, "interface": "veth12ab"}, T0 - 60, NEVER, 1000.0)
    web = {"namespace": "shop", "pod": "web-5d4f7-abcde", "interface": "eth0", "node": "n1"}
    writer.add_traffic(web, T0 - 60, NEVER, 10.0)
    root = {"id": "/", "interface": "eth0", "node": "n2", "instance": "n2:10250"}
    writer.add_traffic(root, T0 - 60, NEVER, 2000.0)


def with_not_a_number(writer: ClusterWriter) -> None:
    usual(writer)
    for metric in ("container_memory_working_set_bytes", "kube_pod_container_resource_requests"):
        rows = writer.file.samples[metric]
        for index, (labels, at, _) in enumerate(rows):
            is_own = labels.get("cluster") == "nan" and labels.get("pod") == "web-5d4f7-abcde"
            if is_own and T0 + 3600 <= at < T0 + 3900:
                rows[index] = (labels, at, float("nan"))


GPU_LABELS = {"label_nvidia_com_gpu_count": "2", "label_nvidia_com_gpu_replicas": "4"}


def with_shared_gpus(writer: ClusterWriter) -> None:
    sliced, cut = {"nvidia_com_gpu": 8.0}, {"nvidia_com_mig_1g_5gb": 14.0}
    writer.add_node("n1", LONG_AGO, NEVER, labels=GPU_LABELS, amounts=sliced)
    writer.add_node("n2", LONG_AGO, NEVER, labels={"label_a": "b"}, amounts=cut)
    writer.add_node("n3", LONG_AGO, NEVER, labels={"label_a": "b"}, amounts={"nvidia_com_gpu": 1.0})
    requests = (("n1", {"nvidia_com_gpu": "1"}), ("n2", {"nvidia_com_mig_1g_5gb": "2"}))
    more = (("n3", {"nvidia_com_gpu": "1", "nvidia_com_gpucores": "30"}), ("n3", {"nvidia_com_gpu": "1"}))
    for number, (node, others) in enumerate((*requests, *more), start=1):
        container = TestContainer("app", others=others)
        writer.add_pod(
            TestPod("ai", f"train-5d4f7-{number}", f"u{number}", node, LONG_AGO, NEVER, (container,))
        )


def replaced_by_a_larger_node(writer: ClusterWriter) -> None:
    """A machine of bare metal is replaced under its name: no provider id, another uuid and size."""
    small = {"label_node_kubernetes_io_instance_type": "small"}
    large = {"label_node_kubernetes_io_instance_type": "large"}
    change = T0 + 2 * 3600 + 1800
    writer.add_node("n1", LONG_AGO, change, labels=small, provider_id="", system_uuid="uuid-1")
    writer.add_node("n1", change + 600, NEVER, cpu=16.0, labels=large, provider_id="", system_uuid="uuid-2")
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, change))
    writer.add_node("n2", LONG_AGO, NEVER, cpu=4.0)
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n2", LONG_AGO, NEVER))
    sizes = writer.file.samples["kube_node_status_capacity"]
    for index, (labels, at, _) in enumerate(sizes):
        is_own = (labels["cluster"], labels["node"], labels["resource"]) == ("grown_node", "n2", "cpu")
        if is_own and at >= T0 + 5400:
            sizes[index] = (labels, at, 8.0)


def sandboxed_and_resized(writer: ClusterWriter) -> None:
    """A pod of a runtime class with overhead, and one whose request is raised in place within an hour."""
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER))
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n1", LONG_AGO, NEVER))
    own = {"namespace": "shop", "pod": "web-5d4f7-abcde", "uid": "u1", **writer.extra}
    moments = writer.moments(T0, END)
    writer.file.add_constant("kube_pod_overhead_cpu_cores", own, moments, 0.25)
    writer.file.add_constant("kube_pod_overhead_memory_bytes", own, moments, GIB / 8)
    requests = writer.file.samples["kube_pod_container_resource_requests"]
    for index, (labels, at, _) in enumerate(requests):
        is_own = (labels["cluster"], labels.get("uid"), labels["resource"]) == ("sandboxed", "u2", "cpu")
        if is_own and at >= T0 + 3600 + 2700:
            requests[index] = (labels, at, 2.5)


CASES: dict[str, tuple[Callable[[ClusterWriter], None], dict[str, object]]] = {
    "plain": (usual, {}),
    "doubled": (usual, {"jobs": ("kubelet", "kubelet-again")}),
    "pod_totals": (pod_totals, {}),
    "reused": (reused_name, {}),
    "restarted": (restarted, {}),
    "minute": (usual, {"scrape": 60}),
    "slow": (usual, {"scrape": 120}),
    "jobs": (short_jobs, {}),
    "waiting": (waiting, {}),
    "steps": (started_in_steps, {}),
    "gaps": (with_gaps, {}),
    "no_kubelet": (without_kubelet, {}),
    "stock": (without_labels, {}),
    "replaced": (replaced_node, {}),
    "not_honoured": (usual, {"is_honoured": False}),
    "no_images": (usual, {"image": ""}),
    "assets": (stored_and_balanced, {}),
    "assets_twice": (stored_and_balanced, {"jobs": ("kubelet", "kubelet-again")}),
    "assets_not_honoured": (stored_and_balanced, {"is_honoured": False}),
    "host_network": (on_the_hosts_network, {}),
    "nan": (with_not_a_number, {}),
    "sandboxed": (sandboxed_and_resized, {}),
    "gpus": (with_shared_gpus, {}),
    "grown_node": (replaced_by_a_larger_node, {}),
    "owners": (owned_in_many_ways, {}),
    "owners_not_honoured": (owned_in_many_ways, {"is_honoured": False}),
}
