"""Joining resource ids of bills to nodes, volumes and load balancers of clusters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SEPARATORS = ("/", ":", ";")


@dataclass(frozen=True, order=True)
class ClusterAsset:
    """One asset of a cluster that a bill may name.

    Parameters
    ----------
    asset_kind : str
        node, volume or load_balancer.
    asset : str
        Its key in the lake.
    provider_id : str or None
        ``aws:///eu-central-1a/i-0abc``, ``gce://project/zone/name``, ``azure:///subscriptions/…``,
        ``cn-hangzhou.i-bp1…``, a CSI volume handle or a load balancer's address.
    """

    cluster: str
    asset_kind: str
    asset: str
    provider_id: str | None
    instance_type: str | None = None
    region: str | None = None
    is_spot: bool = False
    name: str | None = None
    """What people call it; joined with a bill's resource name where ids do not meet."""


class AssetIndex:
    """Assets by every form in which a bill may write their id.

    Parameters
    ----------
    assets : iterable of ClusterAsset

    Notes
    -----
    A full path (Azure, Google, ARN) is compared as a whole, else by its tail of two parts, else by its last
    part; an id that several assets share in one of these forms is not joined by that form, unless they are
    of different clusters and the bill's tags name one of these.
    """

    def __init__(self, assets: Iterable[ClusterAsset]) -> None:
        self._found: _Known = {}
        self._named: _Known = {}
        for asset in sorted(assets, key=lambda one: (one.cluster, one.asset_kind, one.asset)):
            for form in _forms(asset.provider_id or asset.asset):
                _enter(self._found, form, asset)
            if asset.name:
                _enter(self._named, asset.name.lower(), asset)

    def find(
        self, resource_id: str | None, resource_name: str | None = None, cluster: str | None = None
    ) -> ClusterAsset | None:
        """Return the asset that a bill's resource id or, failing that, its name means, or None.

        ``cluster`` is the one that the bill's tags name: it decides where assets of several clusters are
        called alike.
        """
        for form in _forms(resource_id or ""):
            found = _look_up(self._found, form, cluster)
            if found is not None:
                return found
        return _look_up(self._named, resource_name.lower(), cluster) if resource_name else None


_Known = dict[tuple[str | None, str], ClusterAsset | None]
"""By cluster (None is any) and form; None where several assets share it."""


def _enter(found: _Known, form: str, asset: ClusterAsset) -> None:
    for key in ((None, form), (asset.cluster, form)):
        known = found.setdefault(key, asset)
        if known != asset:
            found[key] = None


def _look_up(found: _Known, form: str, cluster: str | None) -> ClusterAsset | None:
    anywhere = found.get((None, form))
    return found.get((cluster, form)) if anywhere is None and cluster is not None else anywhere


def _forms(identifier: str) -> tuple[str, ...]:
    """Return comparable forms of an id, the most exact first; upper and lower case are the same."""
    whole = identifier.strip().lower().partition("://")
    plain = (whole[2] or whole[0]).strip("/")
    parts = [part for part in _split(plain) if part]
    if not parts:
        return ()
    forms = [plain]
    if len(parts) > 2:
        forms.append("/".join(parts[-3:]))
        without_kinds = [part for part in parts if part not in _KINDS]
        forms.append("/".join(without_kinds[-3:]))
    last = parts[-1]
    forms.append(last)
    if "." in last and last.split(".", 1)[1].startswith(_ALIBABA_IDS):
        forms.append(last.split(".", 1)[1])
    return tuple(dict.fromkeys(forms))


def _split(text: str) -> list[str]:
    for separator in _SEPARATORS:
        text = text.replace(separator, "/")
    return text.split("/")


_KINDS = ("zones", "instances", "projects", "disks", "regions")
"""Words of Google's resource names that node ids leave out."""
_ALIBABA_IDS = ("i-", "d-", "lb-", "nlb-", "alb-", "eni-")
