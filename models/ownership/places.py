"""What labels and annotations namespaces and workloads carried, and since when."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Workload = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True)
class PlaceVersion:
    """What a namespace, or a workload in it, said of itself from an instant on.

    Parameters
    ----------
    namespace : str
    workload : tuple of (str, str) or None
        None is the namespace itself.
    valid_from : datetime
    labels, annotations : mapping
    """

    namespace: str
    workload: Workload | None
    valid_from: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """What it says, as text that does not depend on the order of keys."""
        return repr((sorted(self.labels.items()), sorted(self.annotations.items())))


class PlaceHistory:
    """Versions of namespaces and workloads of one cluster.

    Before the first version of a place its first one counts: what was not watched is taken to have been so.

    Parameters
    ----------
    versions : iterable of PlaceVersion
        In any order; a version lasts until the next of its place.
    """

    def __init__(self, versions: Iterable[PlaceVersion] = ()) -> None:
        self._versions: dict[tuple[str, Workload | None], list[PlaceVersion]] = defaultdict(list)
        for version in sorted(versions, key=lambda version: (version.valid_from, version.content)):
            known = self._versions[version.namespace, version.workload]
            if not known or known[-1].content != version.content:
                known.append(version)

    def namespace_labels(self, namespace: str, moment: datetime) -> Mapping[str, str] | None:
        """Return the labels of a namespace at an instant, None if it was never observed."""
        version = self._at(namespace, None, moment)
        return None if version is None else version.labels

    def annotations(self, namespace: str, workload: Workload | None, moment: datetime) -> Mapping[str, str]:
        """Return the annotations of a workload over those of its namespace at an instant."""
        of_namespace = self._at(namespace, None, moment)
        of_workload = None if workload is None else self._at(namespace, workload, moment)
        found = dict(of_namespace.annotations) if of_namespace else {}
        return found | dict(of_workload.annotations) if of_workload else found

    def changes(self) -> set[datetime]:
        """Return every instant at which a place said something new; first versions are no change."""
        return {version.valid_from for known in self._versions.values() for version in known[1:]}

    def content_between(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return as texts what places said in ``[start, end)``, in order."""
        found = []
        for (namespace, workload), known in self._versions.items():
            first = max(bisect_right(known, start, key=lambda version: version.valid_from) - 1, 0)
            for number, version in enumerate(known[first:], start=first):
                if version.valid_from < end or number == 0:
                    since = "" if number == first else version.valid_from.isoformat()
                    found.append(f"{namespace}/{workload}@{since}={version.content}")
        return tuple(sorted(found))

    def _at(self, namespace: str, workload: Workload | None, moment: datetime) -> PlaceVersion | None:
        known = self._versions.get((namespace, workload))
        if not known:
            return None
        return known[max(bisect_right(known, moment, key=lambda version: version.valid_from) - 1, 0)]
