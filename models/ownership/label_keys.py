"""Which label of a pod or namespace names its team, however the label's key is spelt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

_SEPARATORS = str.maketrans("-./", "___")
_KUBERNETES_PREFIXES = ("kubernetes.io", "k8s.io")
"""Prefixes that Kubernetes itself writes: their keys say nothing about a company's teams."""


def team_label(labels: Mapping[str, str], keys: Sequence[str]) -> str | None:
    """Return the value of the label that names the team, None when there is none.

    Parameters
    ----------
    labels : mapping
    keys : sequence of str
        Accepted keys, the first has precedence. A key is met by itself, by itself behind a prefix
        (``example.com/team``), and by spellings that differ in case or ``- _ .`` only, as Prometheus
        writes them (``example_com_team`` for ``example.com/team``). The exact spelling comes first, then
        those without a prefix, then by text.
    """
    for key in keys:
        if labels.get(key):
            return labels[key]
        found = [name for name, value in labels.items() if value and _meets(name, key)]
        if found:
            return labels[min(found, key=lambda name: ("/" in name, name))]
    return None


@lru_cache(maxsize=65_536)
def _meets(name: str, key: str) -> bool:
    if _form(name) == _form(key):
        return True
    prefix, slash, own = name.rpartition("/")
    return bool(slash) and _form(own) == _form(key) and not prefix.endswith(_KUBERNETES_PREFIXES)


def _form(key: str) -> str:
    return key.casefold().translate(_SEPARATORS)
