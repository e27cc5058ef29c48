"""Careful edits of YAML text: single values are replaced or put in, every other character stays.

PyYAML tells where each node stands; the text between is never written anew, so comments, quotes, order and
line ends survive. What cannot be said by such an edit is refused, never reformatted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from models.vocabulary.errors import InputError

_STEP = "  "


@dataclass(frozen=True)
class Edit:
    """Characters ``[start, end)`` of a text are replaced."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; they must not overlap."""
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the value under a key of a mapping, None if there is none."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def descend(node: yaml.Node | None, path: Iterable[str]) -> yaml.Node | None:
    """Return the node at the end of a path of keys and list positions, None if it breaks off."""
    for part in path:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)] if part.isdigit() and int(part) < len(node.value) else None
        else:
            node = child(node, part)
    return node


def scalar(node: yaml.Node | None) -> str | None:
    """Return the text of a scalar, None for anything else and for null."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return None
    return str(node.value)


def replace_scalar(node: yaml.Node, text: str) -> Edit:
    """Return the edit that writes another scalar, in the quotes that were there."""
    quote = getattr(node, "style", None)
    written = f"{quote}{text}{quote}" if quote in ("'", '"') else text
    return Edit(node.start_mark.index, node.end_mark.index, written)


class ResourcesEditor:
    """Makes the edits that give one container other requests and limits.

    Parameters
    ----------
    text : str
        The whole file.
    container : yaml.Node
        The container's mapping in it.
    """

    def __init__(self, text: str, container: yaml.Node) -> None:
        self._text = text
        self._container = container
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def edits(self, sections: Mapping[str, Mapping[str, str | None]]) -> list[Edit]:
        """Return the edits; ``sections`` is requests and limits by resource, None takes one away.

        Raises
        ------
        InputError
            If the text is written in a way that such an edit cannot keep.
        """
        wanted = {
            section: {name: amount for name, amount in amounts.items() if amount is not None}
            for section, amounts in sections.items()
        }
        wanted = {section: amounts for section, amounts in wanted.items() if amounts}
        resources = child(self._container, "resources")
        if resources is None:
            return [self._insert_resources(wanted)]
        if not isinstance(resources, yaml.MappingNode) or not resources.value:
            inner = ", ".join(f"{section}: {_flow(amounts)}" for section, amounts in wanted.items())
            return [_fill(resources, f"{{{inner}}}")]
        edits = []
        for section, amounts in sections.items():
            node = child(resources, section)
            if node is None:
                if section in wanted:
                    edits.append(self._insert_into(resources, {section: wanted[section]}))
            else:
                edits += self._section_edits(resources, section, node, amounts)
        return edits

    def _section_edits(
        self, resources: yaml.Node, section: str, node: yaml.Node, amounts: Mapping[str, str | None]
    ) -> list[Edit]:
        wanted = {name: amount for name, amount in amounts.items() if amount is not None}
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return [_fill(node, _flow(wanted))] if wanted else []
        edits, missing, gone = [], {}, []
        for name, amount in amounts.items():
            value = child(node, name)
            if value is None:
                if amount is not None:
                    missing[name] = amount
            elif amount is None:
                gone.append(name)
            else:
                edits.append(replace_scalar(value, amount))
        if len(gone) == len(node.value) and not missing:
            return [self._remove(resources, section)]
        edits += [self._remove(node, name) for name in gone]
        if missing:
            edits.append(self._insert_into(node, missing))
        return edits

    def _insert_resources(self, wanted: Mapping[str, Mapping[str, str]]) -> Edit:
        """Put ``resources`` below the line of the container's name."""
        if not wanted:
            raise InputError("states no resources, so there is nothing to take away", field="resources")
        if getattr(self._container, "flow_style", False):
            return self._insert_into(self._container, {"resources": wanted})
        (key, name), *_ = [pair for pair in self._pairs(self._container) if pair[0].value == "name"]
        place = self._text.find("\n", name.end_mark.index)
        lines = self._block({"resources": wanted}, key.start_mark.column)
        if place < 0:
            return Edit(len(self._text), len(self._text), self._newline + lines.rstrip("\r\n "))
        return Edit(place + 1, place + 1, " " * key.start_mark.column + lines.rstrip(" "))

    def _insert_into(self, node: yaml.Node, content: Mapping[str, object]) -> Edit:
        """Put keys before the first key of a mapping that has some."""
        if getattr(node, "flow_style", False):
            start = node.start_mark.index + 1
            comma = ", " if node.value else ""
            return Edit(start, start, _flow(content)[1:-1] + comma)
        first = self._pairs(node)[0][0]
        start = first.start_mark.index
        return Edit(start, start, self._block(content, first.start_mark.column))

    def _block(self, content: Mapping[str, object], column: int) -> str:
        """Return keys as block text that ends where the next key begins."""
        space, text = " " * column, ""
        for name, value in content.items():
            if isinstance(value, Mapping):
                inner = self._block(value, column + len(_STEP)).rstrip(" ")
                text += f"{name}:{self._newline}{space}{_STEP}{inner}{space}"
            else:
                text += f"{name}: {value}{self._newline}{space}"
        return text

    def _remove(self, node: yaml.Node, name: str) -> Edit:
        if getattr(node, "flow_style", False):
            raise InputError("is written in braces: take it away by hand", field=f"resources {name}")
        (key, value), *_ = [pair for pair in self._pairs(node) if pair[0].value == name]
        if len(node.value) == 1:
            raise InputError("is the only one there: take it away by hand", field=f"resources {name}")
        last = value
        while isinstance(last, yaml.MappingNode) and last.value and not last.flow_style:
            last = last.value[-1][1]
        start = self._text.rfind("\n", 0, key.start_mark.index) + 1
        if self._text[start : key.start_mark.index].strip():
            raise InputError("shares its line with another key: take it away by hand", field=name)
        end = self._text.find("\n", last.end_mark.index)
        return Edit(start, len(self._text) if end < 0 else end + 1, "")

    @staticmethod
    def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
        return list(node.value)


def _fill(node: yaml.Node, flow: str) -> Edit:
    """Write a mapping in braces where nothing, null or ``{}`` stands."""
    start, end = node.start_mark.index, node.end_mark.index
    return Edit(start, end, flow if end > start else f" {flow}")


def _flow(content: Mapping[str, object]) -> str:
    parts = [
        f"{name}: {_flow(value) if isinstance(value, Mapping) else value}" for name, value in content.items()
    ]
    return f"{{{', '.join(parts)}}}"
