"""What decisions, exclusions and signatures are sent as, and what is answered about them."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from models.vocabulary.errors import InputError
from models.vocabulary.exclusions import ExcludedResource, Exclusion, PeakSignature
from service.http.documents import parse_instant_field
from service.usecases.bulk_decisions import LeftOut
from service.usecases.exclusions import ExclusionRequest

T = TypeVar("T", bound=msgspec.Struct)


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    """A decision that needs nothing but itself."""

    note: str | None = None


class AcceptBody(msgspec.Struct, forbid_unknown_fields=True):
    """An acceptance; quantities like ``250m`` replace advised values, ``none`` takes one away."""

    cpu_request: str | None = None
    cpu_limit: str | None = None
    memory_request: str | None = None
    memory_limit: str | None = None
    sign: bool = False
    group: bool = False
    note: str | None = None


class RejectBody(msgspec.Struct, forbid_unknown_fields=True):
    """A rejection."""

    reason: str
    note: str | None = None


class SnoozeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A snooze."""

    until: str
    note: str | None = None


class BulkBody(msgspec.Struct, forbid_unknown_fields=True):
    """An acceptance of everything low-risk."""

    team: str | None = None
    cluster: str | None = None
    maximum_risk_ratio: float | None = None
    only_small: bool = False
    increases: bool = False
    preview: bool = False
    note: str | None = None


class ExclusionBody(msgspec.Struct, forbid_unknown_fields=True):
    """A rule that excludes containers from advice."""

    reason: str
    cluster: str = "*"
    namespace: str = "*"
    workload: str = "*"
    container: str = "*"
    resource: ExcludedResource = ExcludedResource.ALL
    until: str | None = None
    team: str | None = None

    def request(self) -> ExclusionRequest:
        """Return it as the use case takes it."""
        until = None if self.until is None else parse_instant_field(self.until, "until")
        return ExclusionRequest(
            self.reason,
            self.cluster,
            self.namespace,
            self.workload,
            self.container,
            self.resource,
            until,
            self.team,
        )


class SignatureBody(msgspec.Struct, forbid_unknown_fields=True):
    """A signature for a calendar peak of one workload."""

    cluster: str
    namespace: str
    kind: str
    name: str
    event: str = "*"
    days: int = 90
    note: str | None = None


def read_body(body: bytes, kind: type[T]) -> T:
    """Read a JSON body; an empty one is an empty object.

    Raises
    ------
    InputError
        If it is not of the kind: the field is named.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.MsgspecError as problem:
        raise InputError(f"cannot be used: {problem}", field="body") from problem


def exclusion_document(rule: Exclusion) -> dict[str, Any]:
    """Return an exclusion."""
    document: dict[str, Any] = msgspec.to_builtins(rule)
    return document


def signature_document(signature: PeakSignature) -> dict[str, Any]:
    """Return a signed calendar peak."""
    document: dict[str, Any] = msgspec.to_builtins(signature)
    return document


def left_out_document(one: LeftOut) -> dict[str, Any]:
    """Return a suggestion that a bulk acceptance left out."""
    return {"id": one.stored.id, "etag": one.stored.etag, "because": one.because}
