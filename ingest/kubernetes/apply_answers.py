"""What an answer of the API to a patch means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.kubernetes.connection import Answered
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult, FieldConflict
from models.vocabulary.errors import SourceRefused

if TYPE_CHECKING:
    from ingest.kubernetes.apply import ObjectPlace

_NO_RIGHT = re.compile(r'User "[^"]*" cannot \w+ resource')
_MANAGER = re.compile(r'conflict with "([^"]+)"')
_SILENT_JSON_REFUSAL = "the server rejected our request due to an error in our request"
_ROLE = "deploy/kubernetes-apply-rbac.yaml"


def refuse_credentials(server: str, answered: Answered, right: str = "") -> None:
    """Raise on 401, and on 403 where a right to read is named.

    Raises
    ------
    SourceRefused
    """
    if answered.status == 401:
        raise SourceRefused(
            f"{server} refused the credentials (401): renew the token, or check the kubeconfig"
        )
    if right and answered.status == 403:
        raise SourceRefused(
            f"{server} forbids to {right} (403): grant it as deploy/kubernetes-rbac.yaml does. "
            f"{answered.message}"
        )


def judge_answer(
    answered: Answered, method: ApplyMethod, place: ObjectPlace, *, is_dry_run: bool
) -> ApplyOutcome:
    """Return the outcome that an answer to a patch means.

    Two kinds of 403 are told apart: a missing right, and an admission plugin or webhook that refuses the
    content. Of 409, a conflict of field managers and an object that is newer than the patch. A JSON patch
    whose ``test`` fails is answered by 422 without a word of what failed.
    """
    status, message = answered.status, answered.message
    if 200 <= status < 300:
        result = ApplyResult.PASSED if is_dry_run else ApplyResult.APPLIED
        return ApplyOutcome(result, "taken by the API", status=status)
    if status == 403 and _NO_RIGHT.search(message):
        text = f"grant patch as {_ROLE} does: {message}"
        return ApplyOutcome(ApplyResult.FORBIDDEN, text, status=status)
    if status == 404:
        text = f"{place.kind.kind} {place.namespace}/{place.name} is not there (any more): {message}"
        return ApplyOutcome(ApplyResult.CHANGED, text, status=status)
    if status == 409:
        conflicts = _conflicts(answered)
        result = ApplyResult.CONFLICT if conflicts else ApplyResult.CHANGED
        return ApplyOutcome(result, message, conflicts, status=status)
    if status == 422 and method is ApplyMethod.JSON and message.startswith(_SILENT_JSON_REFUSAL):
        text = "the container or one of its values is not what the patch tests: it was changed meanwhile"
        return ApplyOutcome(ApplyResult.CHANGED, text, status=status)
    result = ApplyResult.REFUSED if status < 500 else ApplyResult.UNKNOWN
    return ApplyOutcome(result, message or f"HTTP {status}", status=status)


def _conflicts(answered: Answered) -> tuple[FieldConflict, ...]:
    causes = (answered.body.get("details") or {}).get("causes") or ()
    return tuple(
        FieldConflict(match[1] if match else "unknown", str(cause.get("field") or ""))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
        for match in [_MANAGER.search(str(cause.get("message") or ""))]
    )
