"""Where a Kubernetes API is and how gently it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.vocabulary.errors import UsageError

LARGEST_PAGE = 500


@dataclass(frozen=True)
class KubernetesSettings:
    """Connection and pace of one cluster's API.

    Give a kubeconfig, or ``in_cluster``, or a server with its token; nothing at all means the default
    kubeconfig (``~/.kube/config``).

    Parameters
    ----------
    kubeconfig, context : str or None
        Path of a kubeconfig file and the context in it (the current one by default).
    in_cluster : bool
        Use the service account of the pod this runs in.
    server, token, ca_file : str or None
        An address like ``https://10.0.0.1:6443``, a bearer token and a file of trusted certificates.
    page_size : int
        Objects per page of a list, 1 to 500.
    requests_per_minute : int
        Budget over all resources; what exceeds it waits.
    connect_timeout_seconds, read_timeout_seconds : float
        Of one request that is not a watch.
    watch_timeout_seconds : int
        After which the server is asked to end a watch; it is resumed where it ended.
    silence_seconds : float
        Added to it: a watch silent for longer is taken as dead.
    attempts : int
        Tries of a request answered by 429 or 5xx, or not at all.
    backoff_seconds, backoff_limit_seconds : float
        First and longest pause between tries; each is drawn at random between half and the whole.

    Raises
    ------
    UsageError
        If the settings contradict each other or a number is out of range.
    """

    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False
    server: str | None = None
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    page_size: int = LARGEST_PAGE
    requests_per_minute: int = 120
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 60.0
    watch_timeout_seconds: int = 300
    silence_seconds: float = 30.0
    attempts: int = 5
    backoff_seconds: float = 0.5
    backoff_limit_seconds: float = 30.0

    def __post_init__(self) -> None:
        ways = [bool(self.kubeconfig or self.context), self.in_cluster, bool(self.server)]
        if sum(ways) > 1:
            raise UsageError(
                "give one of kubeconfig, in_cluster and server for a Kubernetes cluster, not several"
            )
        if not 1 <= self.page_size <= LARGEST_PAGE:
            raise UsageError(f"page_size is {self.page_size}: use 1 to {LARGEST_PAGE}")
        for name in ("requests_per_minute", "attempts", "watch_timeout_seconds"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}: use 1 or more")
