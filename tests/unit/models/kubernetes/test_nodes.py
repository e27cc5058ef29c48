from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.kubernetes.nodes import ON_DEMAND, SERVERLESS, SPOT, describe_node, node_key, purchase_option

CREATED = datetime(2026, 11, 1, 3, 4, 5, tzinfo=UTC)


def test_a_node_is_known_by_provider_id_then_uuid_then_name_and_birth() -> None:
    assert node_key("aws:///eu-1a/i-1", "U-1", "n", CREATED) == "aws:///eu-1a/i-1"
    assert node_key("", "EC2D-1", "n", CREATED) == "ec2d-1"
    assert node_key(None, None, "n", CREATED) == "n@2026-11-01T03:04:05Z"
    assert node_key(None, None, "n", None) == "n@unknown"


def test_a_uuid_that_firmware_gives_to_everyone_identifies_nobody() -> None:
    useless = "00000000-0000-0000-0000-000000000000"
    assert node_key(None, useless, "n", CREATED) == "n@2026-11-01T03:04:05Z"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"eks.amazonaws.com/capacityType": "SPOT"}, SPOT),
        ({"eks.amazonaws.com/capacityType": "ON_DEMAND"}, ON_DEMAND),
        ({"karpenter.sh/capacity-type": "spot"}, SPOT),
        ({"karpenter.sh/capacity-type": "reserved"}, ON_DEMAND),
        ({"cloud.google.com/gke-nodepool": "p", "cloud.google.com/gke-spot": "true"}, SPOT),
        ({"cloud.google.com/gke-preemptible": "true"}, SPOT),
        ({"cloud.google.com/gke-nodepool": "p"}, ON_DEMAND),
        ({"kubernetes.azure.com/agentpool": "p", "kubernetes.azure.com/scalesetpriority": "spot"}, SPOT),
        ({"kubernetes.azure.com/agentpool": "p"}, ON_DEMAND),
        ({"node.alibabacloud.com/spot-strategy": "SpotWithPriceLimit"}, SPOT),
        ({"node.kubernetes.io/lifecycle": "spot"}, SPOT),
        ({"type": "virtual-kubelet", "kubernetes.azure.com/agentpool": "p"}, SERVERLESS),
        ({"eks.amazonaws.com/compute-type": "fargate"}, SERVERLESS),
        ({"eks.amazonaws.com/compute-type": "ec2", "type": "worker"}, None),
        ({"karpenter.sh/capacity-type": "new-thing"}, None),
        ({}, None),
    ],
)
def test_the_purchase_option_comes_from_the_platform_s_label(
    labels: dict[str, str], expected: str | None
) -> None:
    assert purchase_option(labels) == expected


@pytest.mark.parametrize(
    ("labels", "provider_id", "expected"),
    [
        (
            {
                "node.kubernetes.io/instance-type": "m6i.4xlarge",
                "topology.kubernetes.io/region": "cn-north-1",
                "topology.kubernetes.io/zone": "cn-north-1a",
                "eks.amazonaws.com/nodegroup": "general",
            },
            None,
            ("m6i.4xlarge", "cn-north-1", "cn-north-1a", "general"),
        ),
        (
            {
                "beta.kubernetes.io/instance-type": "n1-standard-1",
                "failure-domain.beta.kubernetes.io/region": "us-central1",
                "failure-domain.beta.kubernetes.io/zone": "us-central1-a",
                "cloud.google.com/gke-nodepool": "default-pool",
            },
            None,
            ("n1-standard-1", "us-central1", "us-central1-a", "default-pool"),
        ),
        ({}, "aws:///cn-north-1a/i-0", (None, "cn-north-1", "cn-north-1a", "unknown/unknown")),
        ({}, "gce://project/europe-west4-b/n", (None, "europe-west4", "europe-west4-b", "unknown/unknown")),
        ({}, "cn-hangzhou.i-bp1", (None, "cn-hangzhou", None, "unknown/unknown")),
        ({"karpenter.sh/nodepool": "batch"}, None, (None, None, None, "batch")),
        (
            {"node.kubernetes.io/instance-type": "x1", "karpenter.sh/capacity-type": "spot"},
            None,
            ("x1", None, None, "x1/spot"),
        ),
    ],
)
def test_type_place_and_pool_come_from_labels_then_from_the_provider_id(
    labels: dict[str, str], provider_id: str | None, expected: tuple[str | None, ...]
) -> None:
    found = describe_node(labels, provider_id)
    assert (found.instance_type, found.region, found.zone, found.node_pool) == expected
