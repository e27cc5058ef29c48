from __future__ import annotations

import pytest

from ingest.assembly.label_names import restore_label_name, restore_labels


@pytest.mark.parametrize(
    ("exported", "name"),
    [
        ("label_team", "team"),
        ("label_app_kubernetes_io_name", "app.kubernetes.io/name"),
        ("label_app_kubernetes_io_part_of", "app.kubernetes.io/part-of"),
        ("label_topology_kubernetes_io_zone", "topology.kubernetes.io/zone"),
        ("label_failure_domain_beta_kubernetes_io_zone", "failure-domain.beta.kubernetes.io/zone"),
        ("label_node_kubernetes_io_instance_type", "node.kubernetes.io/instance-type"),
        ("label_eks_amazonaws_com_capacity_type", "eks.amazonaws.com/capacityType"),
        ("label_eks_amazonaws_com_capacityType", "eks.amazonaws.com/capacityType"),
        ("label_eks_amazonaws_com_nodegroup", "eks.amazonaws.com/nodegroup"),
        ("label_cloud_google_com_gke_nodepool", "cloud.google.com/gke-nodepool"),
        ("label_kubernetes_azure_com_scalesetpriority", "kubernetes.azure.com/scalesetpriority"),
        ("label_karpenter_sh_capacity_type", "karpenter.sh/capacity-type"),
        ("label_alibabacloud_com_nodepool_id", "alibabacloud.com/nodepool-id"),
        ("label_pod_template_hash", "pod-template-hash"),
        ("label_my_company_thing", "my_company_thing"),
    ],
)
def test_known_names_come_back_and_others_stay_as_exported(exported: str, name: str) -> None:
    assert restore_label_name(exported) == name


def test_labels_of_the_scrape_and_empty_ones_are_left_out() -> None:
    assert restore_labels({"label_team": "shop", "label_gone": "", "job": "ksm", "pod": "p"}) == {
        "team": "shop"
    }
