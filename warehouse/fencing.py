"""A lease and its fencing number: the right to write, which an older holder loses for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

INGEST_JOB = "ingest"
"""The job whose lease `record` needs: one writer of observations per cluster."""


@dataclass(frozen=True)
class Lease:
    """The right of one holder to run one job on one cluster.

    Parameters
    ----------
    job, cluster : str
        What is leased. Jobs that span clusters use the cluster ``*``.
    holder : str
        Who holds it, for messages.
    fence : int
        Fencing number; grows with every acquisition of this job and cluster.
    expires_at : datetime
        From then on another holder may take it.
    """

    job: str
    cluster: str
    holder: str
    fence: int
    expires_at: datetime

    @property
    def application(self) -> str:
        """Name under which the lake remembers the highest fencing number seen."""
        return f"{self.job}/{self.cluster}"
