"""Bytes that pods and machines moved, by hour."""

from __future__ import annotations

import numpy as np

from ingest.assembly.frames import Floats, Frame, Integers
from ingest.assembly.pods import Pods

_COLUMNS = {
    "network_receive": "network_receive_bytes",
    "network_transmit": "network_transmit_bytes",
    "disk_read": "disk_read_bytes",
    "disk_write": "disk_write_bytes",
}
NETWORK_COLUMNS = ("network_receive_bytes", "network_transmit_bytes")


def pod_traffic(frame: Frame, pods: Pods) -> dict[str, Floats]:
    """Return bytes by pod and hour by column of ``pod_hour``, shape (P, H) each.

    A pod on the host's network shows its machine's counters, so it has none of its own. Of pods that bore
    one name in an hour, the one that lived longest in it gets the bytes.
    """
    traffic = _all_traffic(frame, pods)
    for column in NETWORK_COLUMNS:
        traffic[column][pods.is_on_host_network] = np.nan
    return traffic


def host_traffic(frame: Frame, pods: Pods, machines: Integers, machine_count: int) -> dict[str, Floats]:
    """Return the bytes of machines that their pods on the host's network show, shape (N, H) each.

    Parameters
    ----------
    machines : array of int, shape (P, H)
        Machine of each pod, -1 where not known.
    """
    shown = _all_traffic(frame, pods)
    hosts = np.flatnonzero(pods.is_on_host_network)
    found = {}
    for column in NETWORK_COLUMNS:
        bytes_by_machine = np.full((machine_count + 1, pods.axis.hour_count), np.nan)
        for pod in hosts.tolist():
            cells = (machines[pod], np.arange(pods.axis.hour_count))
            bytes_by_machine[cells] = np.fmax(bytes_by_machine[cells], shown[column][pod])
        found[column] = bytes_by_machine[:-1]
    return found


def _all_traffic(frame: Frame, pods: Pods) -> dict[str, Floats]:
    hours = pods.axis.hour_count
    seconds = pods.hour_seconds()
    traffic = {}
    for fact, column in _COLUMNS.items():
        values = np.full((len(pods), hours), np.nan)
        own = frame.only(fact=fact)
        dense = own.dense(0, hours)
        for series, labels in enumerate(own.labels):
            members = pods.find(labels)
            if not members:
                continue
            owner = np.asarray(members)[np.argmax(seconds[members], axis=0)]
            values[owner, np.arange(hours)] = dense[series]
        traffic[column] = values
    return traffic
