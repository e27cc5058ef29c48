from __future__ import annotations

from models.billing.assets import AssetIndex, ClusterAsset

EU = ClusterAsset("eu", "node", "ip-10-0-0-1@2026-10-01", None, name="ip-10-0-0-1")
US = ClusterAsset("us", "node", "ip-10-0-0-1@2026-10-03", None, name="ip-10-0-0-1")
OWN = ClusterAsset("eu", "node", "aws:///eu-central-1a/i-0abc", "aws:///eu-central-1a/i-0abc")


def test_nodes_of_one_name_in_two_clusters_are_told_apart_by_the_bills_tag() -> None:
    index = AssetIndex([EU, US])
    assert index.find("i-1", "ip-10-0-0-1", "eu") == EU
    assert index.find("i-2", "IP-10-0-0-1", "us") == US


def test_without_a_tag_a_name_that_two_clusters_bear_joins_nothing() -> None:
    assert AssetIndex([EU, US]).find("i-1", "ip-10-0-0-1") is None
    assert AssetIndex([EU, US]).find("i-1", "ip-10-0-0-1", "asia") is None


def test_a_resource_that_only_one_cluster_has_is_its_own_whatever_the_tag_says() -> None:
    assert AssetIndex([OWN, US]).find("i-0abc", None, "us") == OWN


def test_two_machines_of_one_name_in_one_cluster_are_not_joined_by_it() -> None:
    twin = ClusterAsset("eu", "node", "ip-10-0-0-1@2026-10-09", None, name="ip-10-0-0-1")
    assert AssetIndex([EU, twin]).find(None, "ip-10-0-0-1", "eu") is None
