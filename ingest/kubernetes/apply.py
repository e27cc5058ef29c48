"""The Kubernetes writer: sends a change to one object and says what the API made of it.

Called by the service only, and only when applying is switched on. It never forces a field away from another
manager, and never tries a patch again whose answer was lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.kubernetes.apply_answers import judge_answer, refuse_credentials
from ingest.kubernetes.connection import Answered, KubernetesConnection, PatchBody
from ingest.kubernetes.resources import Resource
from ingest.kubernetes.settings import KubernetesSettings
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult
from models.kubernetes.kinds import KINDS, WorkloadKind
from models.vocabulary.errors import InputError, SourceUnreachable

JsonObject = dict[str, Any]
FIELD_MANAGER = "millicore"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_CONTENT_TYPES = {
    ApplyMethod.SERVER_SIDE: "application/apply-patch+yaml",
    ApplyMethod.STRATEGIC: "application/strategic-merge-patch+json",
    ApplyMethod.JSON: "application/json-patch+json",
    ApplyMethod.RESIZE: "application/strategic-merge-patch+json",
}


@dataclass(frozen=True)
class ObjectPlace:
    """One object of a cluster; ``subresource`` is ``resize`` for pods.

    Raises
    ------
    InputError
        If namespace or name cannot be one.
    """

    kind: WorkloadKind
    namespace: str
    name: str
    subresource: str = ""

    def __post_init__(self) -> None:
        for field, text in (("namespace", self.namespace), ("name", self.name)):
            # names may come from files: one with slashes or dots would address another object
            if not _NAME.fullmatch(text):
                raise InputError("is not a name of a Kubernetes object", field=field, value=text)

    @property
    def path(self) -> str:
        """Path of the object, or of its sub-resource."""
        group = f"/apis/{self.kind.api_version}" if self.kind.group else f"/api/{self.kind.version}"
        path = f"{group}/namespaces/{self.namespace}/{self.kind.plural}/{self.name}"
        return f"{path}/{self.subresource}" if self.subresource else path

    @property
    def resource(self) -> Resource:
        """The resource, for counts and messages."""
        kind = self.kind
        return Resource(kind.kind, kind.plural, kind.group, kind.version, "nothing can be applied")


@dataclass(frozen=True)
class Sent:
    """The outcome of one patch, and the object as it is (or, dry, would be) afterwards."""

    outcome: ApplyOutcome
    item: JsonObject | None = None


class KubernetesWriter:
    """Reads and patches single objects of one cluster.

    Parameters
    ----------
    settings : KubernetesSettings

    Raises
    ------
    SourceRefused
        If there are no usable credentials.
    """

    def __init__(self, settings: KubernetesSettings) -> None:
        self._connection = KubernetesConnection(settings)

    @property
    def server(self) -> str:
        """Address of the API."""
        return self._connection.server

    def read(self, place: ObjectPlace) -> JsonObject | None:
        """Return an object, None if there is none (or its kind is not served).

        Raises
        ------
        SourceRefused
            On 401 and 403.
        SourceUnreachable
            If the server does not answer, or with an error.
        """
        answered = self._connection.send(place.path, {}, place.resource)
        return None if answered.status == 404 else self._read_body(answered, place.resource)

    def list_in(
        self, namespace: str, plural: str, labels: Mapping[str, str] | None = None
    ) -> list[JsonObject]:
        """Return the objects of a core resource of one namespace; raises as :meth:`read`."""
        resource = Resource(plural, plural, "", "v1", "checks are left out")
        selector = ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items()))
        parameters = {"labelSelector": selector} if selector else {}
        answered = self._connection.send(f"/api/v1/namespaces/{namespace}/{plural}", parameters, resource)
        items: list[JsonObject] = self._read_body(answered, resource).get("items") or []
        return items

    def serves_resize(self) -> bool:
        """Say whether the API resizes pods in place (Kubernetes 1.33, or the feature gate)."""
        resource = Resource("Pod", "pods", "", "v1", "pods cannot be resized")
        found = self._read_body(self._connection.send("/api/v1", {}, resource), resource)
        return any(one.get("name") == "pods/resize" for one in found.get("resources") or ())

    def patch(self, place: ObjectPlace, method: ApplyMethod, document: Any, *, is_dry_run: bool) -> Sent:
        """Send one patch and return what came of it; refusals are outcomes, not errors.

        Parameters
        ----------
        place : ObjectPlace
        method : ApplyMethod
        document : JSON
            The patch; it names the ``resourceVersion`` it was made for, so that a newer object refuses it.
        is_dry_run : bool
            The server validates and answers but stores nothing.

        Raises
        ------
        SourceRefused
            On 401.
        SourceUnreachable
            If a dry run got no answer. A lost answer to a real patch is the outcome ``unknown``.
        """
        parameters = {"fieldManager": FIELD_MANAGER}
        if is_dry_run:
            parameters["dryRun"] = "All"
        body = PatchBody(_CONTENT_TYPES[method], document)
        try:
            answered = self._connection.send(place.path, parameters, place.resource, body)
        except SourceUnreachable as problem:
            if is_dry_run:
                raise
            return Sent(ApplyOutcome(ApplyResult.UNKNOWN, str(problem)))
        refuse_credentials(self.server, answered)
        outcome = judge_answer(answered, method, place, is_dry_run=is_dry_run)
        return Sent(outcome, answered.body if outcome.result.is_success else None)

    def close(self) -> None:
        """Give back the connections."""
        self._connection.close()

    def _read_body(self, answered: Answered, resource: Resource) -> JsonObject:
        refuse_credentials(self.server, answered, f"get and list {resource.plural}")
        if answered.status != 200:
            raise SourceUnreachable(
                f"{self.server} answered {resource.qualified}: HTTP {answered.status}: {answered.message}"
            )
        return answered.body


def pod_place(namespace: str, name: str, *, is_resize: bool = False) -> ObjectPlace:
    """Return the place of a pod, or of its ``resize``."""
    return ObjectPlace(KINDS["Pod"], namespace, name, "resize" if is_resize else "")
