"""Small documents as YAML; every text is quoted, so that no name can break out of its line."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
""" Words that YAML 1.1 takes for something else than text."""


def write_yaml(content: Any, indent: int = 0) -> list[str]:
    """Return the lines of a document of mappings, lists and plain values."""
    space = "  " * indent
    if isinstance(content, list):
        lines = []
        for item in content:
            first, *rest = write_yaml(item, indent + 1)
            lines += [f"{space}- {first.strip()}", *rest]
        return lines
    if not isinstance(content, dict):
        return [f"{space}{json.dumps(content)}"]
    lines = []
    for name, value in content.items():
        key = name if _PLAIN_KEY.fullmatch(name) and name.lower() not in _WORDS else json.dumps(name)
        if value in ({}, []):
            lines.append(f"{space}{key}: {json.dumps(value)}")
        elif isinstance(value, (dict, list)):
            lines += [f"{space}{key}:", *write_yaml(value, indent + 1)]
        else:
            lines.append(f"{space}{key}: {json.dumps(value)}")
    return lines


def printable(name: str) -> str:
    """Return a name that stays on its line of a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
