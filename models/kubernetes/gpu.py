"""GPUs in physical devices, however a cluster divides them: whole, time-sliced, MIG, or by memory and cores.

Sources: NVIDIA's device plugin (time slicing and its labels ``nvidia.com/gpu.count`` and ``gpu.replicas``),
the MIG user guide (a device has 7 compute slices, an A30 and an RTX PRO 6000 have 4), HAMi (``gpucores`` in
per cent and ``gpumem`` in MiB of each virtual GPU), Alibaba's cGPU (``aliyun.com/gpu-mem``, ``gpu-count``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ODD = re.compile(r"[^a-zA-Z0-9]")
_WHOLE = re.compile(r".+_com_gpu")
_SHARED = re.compile(r".+_com_gpu_shared")
_MIG = re.compile(r".+_com_mig_(?P<slices>\d+)g_(?P<gigabytes>\d+)gb.*")
_SLICES, _FEWER_SLICES = 7, 4
_PROFILES_OF_A30 = frozenset({(1, 6), (2, 12), (4, 24)})
_PRODUCTS_WITH_FEWER_SLICES = ("A30", "RTX-PRO-6000")
_CORES, _MEMORY, _MEMORY_SHARE = "nvidia_com_gpucores", "nvidia_com_gpumem", "nvidia_com_gpumem_percentage"
_VIRTUAL = frozenset({_CORES, _MEMORY, _MEMORY_SHARE})
_ALIYUN_MEMORY, _ALIYUN_CORES = "aliyun_com_gpu_mem", "aliyun_com_gpu_core_percentage"
_ALIYUN_COUNT = "aliyun_com_gpu_count"
_PER_CENT = 100.0


@dataclass(frozen=True)
class GpuSharing:
    """How the GPUs of a node are divided.

    Parameters
    ----------
    device_count : float or None
        Physical devices, None where nothing tells.
    replicas : float
        Units of ``…/gpu`` or ``…/gpu.shared`` that one device is offered as; 1 without time slicing.
    memory_mebibytes : float or None
        Memory of one device.
    pooled_memory : float or None
        Units of ``aliyun.com/gpu-mem`` of one device.
    product : str
    """

    device_count: float | None = None
    replicas: float = 1.0
    memory_mebibytes: float | None = None
    pooled_memory: float | None = None
    product: str = ""


NOT_SHARED = GpuSharing()
"""A node of which nothing is known: a unit counts as a device."""


def gpu_key(name: str) -> str:
    """Return a resource or label name as kube-state-metrics writes it: every odd character an underscore."""
    return _ODD.sub("_", name)


def is_gpu_resource(name: str) -> bool:
    """Say whether a resource is, or divides, a GPU."""
    key = gpu_key(name)
    known = (_ALIYUN_MEMORY, _ALIYUN_CORES, _ALIYUN_COUNT)
    return key in _VIRTUAL or key in known or any(p.fullmatch(key) for p in (_WHOLE, _SHARED, _MIG))


def describe_gpus(capacity: Mapping[str, float], labels: Mapping[str, str]) -> GpuSharing:
    """Return how a node divides its GPUs, from its capacity (by resource name) and its labels."""
    amounts = {gpu_key(name): amount for name, amount in capacity.items() if is_gpu_resource(name)}
    if not amounts:
        return NOT_SHARED
    said = {gpu_key(name): value for name, value in labels.items() if "gpu" in name or "nvidia" in name}
    count = _number(said, "nvidia_com_gpu_count") or amounts.get(_ALIYUN_COUNT)
    pooled = amounts.get(_ALIYUN_MEMORY)
    return GpuSharing(
        device_count=count,
        replicas=_replicas(amounts, count, _number(said, "nvidia_com_gpu_replicas")),
        memory_mebibytes=_number(said, "nvidia_com_gpu_memory"),
        pooled_memory=pooled / count if pooled and count else None,
        product=said.get("nvidia_com_gpu_product", ""),
    )


def gpu_capacity(amounts: Mapping[str, float], sharing: GpuSharing) -> float | None:
    """Return the physical devices of a node, from its capacity; None where it has no GPU resource."""
    if sharing.device_count is not None and any(is_gpu_resource(name) for name in amounts):
        return sharing.device_count
    return gpu_devices(amounts, sharing)


def gpu_devices(amounts: Mapping[str, float], sharing: GpuSharing = NOT_SHARED) -> float | None:
    """Return the physical devices behind requests, limits or allocatable amounts; fractions are allowed.

    - ``…/gpu`` and ``…/gpu.shared``: units over the replicas of a time-sliced device.
    - HAMi: each virtual GPU takes the larger of its share of cores and of memory; without either a whole one.
    - ``…/mig-3g.20gb``: compute slices over those of the device (3 of 7).
    - ``aliyun.com/gpu-mem``: memory over that of a device; ``gpu-core.percentage`` over 100; the larger.

    Parameters
    ----------
    amounts : mapping of str to float
        By resource name, of Kubernetes or as kube-state-metrics writes it.
    sharing : GpuSharing
        Of the node.

    Returns
    -------
    float or None
        None where no GPU is named, or nothing tells how large a share is.
    """
    given = {gpu_key(name): float(amount) for name, amount in amounts.items() if is_gpu_resource(name)}
    parts = [_units(given, sharing), _slices(given, sharing), _pool_share(given, sharing)]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _units(given: Mapping[str, float], sharing: GpuSharing) -> float | None:
    units = [n for name, n in given.items() if _WHOLE.fullmatch(name) or _SHARED.fullmatch(name)]
    if not units:
        return None
    shares = [
        given.get(_CORES, 0.0) / _PER_CENT,
        given.get(_MEMORY_SHARE, 0.0) / _PER_CENT,
        given.get(_MEMORY, 0.0) / sharing.memory_mebibytes if sharing.memory_mebibytes else 0.0,
    ]
    if any(shares):
        return sum(units) * min(max(shares), 1.0)
    return sum(units) / sharing.replicas


def _slices(given: Mapping[str, float], sharing: GpuSharing) -> float | None:
    found = None
    for name, amount in given.items():
        if match := _MIG.fullmatch(name):
            profile = (int(match["slices"]), int(match["gigabytes"]))
            is_small = profile in _PROFILES_OF_A30 or any(
                product in sharing.product for product in _PRODUCTS_WITH_FEWER_SLICES
            )
            found = (found or 0.0) + amount * profile[0] / (_FEWER_SLICES if is_small else _SLICES)
    return found


def _pool_share(given: Mapping[str, float], sharing: GpuSharing) -> float | None:
    shares = []
    if _ALIYUN_MEMORY in given and sharing.pooled_memory:
        shares.append(given[_ALIYUN_MEMORY] / sharing.pooled_memory)
    if _ALIYUN_CORES in given:
        shares.append(given[_ALIYUN_CORES] / _PER_CENT)
    return max(shares) if shares else None


def _replicas(amounts: Mapping[str, float], count: float | None, stated: float | None) -> float:
    if stated is not None and stated > 1:
        return stated
    units = sum(n for name, n in amounts.items() if _WHOLE.fullmatch(name) or _SHARED.fullmatch(name))
    is_mixed = any(_MIG.fullmatch(name) for name in amounts)
    if count and units > count and not is_mixed:
        return units / count
    return 1.0


def _number(said: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(said.get(name, ""))
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
