"""The identity of a set of labels: equal maps have equal ids, whichever source delivers them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def canonical_labels(labels: Mapping[str, str]) -> str:
    """Return a label map as JSON with sorted keys and no spaces, the text stored in ``label_set.labels``."""
    return json.dumps(dict(labels), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def label_set_id(labels: Mapping[str, str]) -> str:
    """Return the first 16 hex digits of the sha256 of the canonical labels."""
    return hashlib.sha256(canonical_labels(labels).encode()).hexdigest()[:16]
