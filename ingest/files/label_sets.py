"""Label maps of files: JSON objects of texts."""

from __future__ import annotations

import json

from models.kubernetes.label_sets import label_set_id
from models.vocabulary.errors import InputError


def parse_labels(text: object) -> tuple[dict[str, str], str | None]:
    """Return labels and their id from a JSON object; an empty cell has no labels and no id.

    Raises
    ------
    InputError
        If the text is not a JSON object of texts.
    """
    if text is None:
        return {}, None
    try:
        labels = json.loads(str(text))
    except json.JSONDecodeError as problem:
        raise InputError(f"is not JSON: {problem}", field="labels", value=text) from problem
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise InputError("is not a JSON object of texts", field="labels", value=text)
    return labels, label_set_id(labels)
