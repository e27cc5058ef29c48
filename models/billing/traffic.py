"""Which lines of a bill charge traffic, and in which direction: by unit and words, whatever the provider."""

from __future__ import annotations

import re

from models.billing.buckets import Bucket, SortedGroup

NETWORK = "network"
DATA_UNIT_PATTERN = r"^([0-9]+ ?)?([kmgt]i?b|bytes?|(giga|gibi|tera|tebi|mega|mebi)bytes?)$"
"""Units, in lower case, that count data: GB, 1 GB, GiB, gibibyte. Not GB-Mo, not requests."""
INWARD_PATTERN = r"ingress|inbound|流入|data in([^a-z/]|$)|transfer[ -]in([^a-z/]|$)"
OUTWARD_PATTERN = r"data ?transfer|egress|bandwidth|outbound|out-bytes|internet traffic|network traffic|流量"
"""Words, in lower case, of description, service, service category and resource type. Inward ones count first;
a line that names neither but counts data of a network service is outward."""
OUT, IN = "out", "in"
_IS_DATA_UNIT = re.compile(DATA_UNIT_PATTERN)


def is_egress(one: SortedGroup) -> bool:
    """Return whether lines of a cluster charge what it sent.

    Network lines whose words say so, or which count data and say nothing of incoming traffic. Hours of a
    gateway or an address, and requests, are not.
    """
    if one.bucket is not Bucket.CLUSTER or one.asset_kind != NETWORK:
        return False
    if one.group.traffic is not None:
        return one.group.traffic == OUT
    return _IS_DATA_UNIT.match((one.group.unit or "").lower()) is not None
