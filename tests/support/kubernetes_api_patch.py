"""Patches of the Kubernetes API test server: strategic merge, merge (RFC 7386), JSON (RFC 6902), apply."""

from __future__ import annotations

import copy
from typing import Any

from support.kubernetes_api_fields import (
    LIST_KEYS,
    ApplyConflict,
    FieldPath,
    changed_fields,
    check_conflicts,
    field_set,
    list_item_key,
    read_fields,
    removed_fields,
    write_fields,
)

JsonObject = dict[str, Any]


class PatchInvalid(Exception):
    """A patch that cannot be applied (422)."""


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Any, patch: Any, field: str = "") -> Any:
    """Apply a strategic merge patch: keyed lists merge by their key, ``$patch`` directives hold."""
    if isinstance(patch, list):
        return _merge_list(target if isinstance(target, list) else [], patch, field)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge_patch(result.get(key), value, key)
    return result


def _merge_list(target: list[Any], patch: list[Any], field: str) -> list[Any]:
    if field == "finalizers":
        return [*target, *(item for item in patch if item not in target)]
    if field not in LIST_KEYS or any(
        isinstance(item, dict) and item.get("$patch") == "replace" for item in patch
    ):
        return copy.deepcopy([item for item in patch if not (isinstance(item, dict) and "$patch" in item)])
    merge_key = LIST_KEYS[field][0]
    result = copy.deepcopy(target)
    for item in patch:
        if merge_key not in item:
            raise PatchInvalid(f"map: {item} does not contain declared merge key: {merge_key}")
        places = [i for i, old in enumerate(result) if old.get(merge_key) == item[merge_key]]
        if item.get("$patch") == "delete":
            result = [old for i, old in enumerate(result) if i not in places]
        elif places:
            result[places[0]] = strategic_merge_patch(result[places[0]], item)
        else:
            result.append(strategic_merge_patch({}, item))
    return result


def json_patch(target: JsonObject, operations: list[JsonObject]) -> JsonObject:
    """Apply an RFC 6902 patch."""
    document = copy.deepcopy(target)
    for operation in operations:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        if operation["op"] in ("move", "copy"):
            source = [part.replace("~1", "/").replace("~0", "~") for part in operation["from"].split("/")[1:]]
            value = copy.deepcopy(_find(document, source))
            if operation["op"] == "move":
                _set(document, source, None, "remove")
            _set(document, parts, value, "add")
        elif operation["op"] == "test":
            if _find(document, parts) != operation["value"]:
                raise PatchInvalid("testing value failed: test failed")
        else:
            _set(document, parts, copy.deepcopy(operation.get("value")), operation["op"])
    return document


def _find(document: Any, parts: list[str]) -> Any:
    for part in parts:
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError) as problem:
            raise PatchInvalid(f"the path {'/'.join(parts)} does not exist") from problem
    return document


def _set(document: Any, parts: list[str], value: Any, operation: str) -> None:
    parent, last = _find(document, parts[:-1]), parts[-1]
    if operation != "add":
        _find(parent, [last])
    if isinstance(parent, list):
        position = len(parent) if last == "-" else int(last)
        if operation != "add":
            parent.pop(position)
        if operation != "remove":
            parent.insert(position, value)
    elif operation == "remove":
        parent.pop(last)
    else:
        parent[last] = value


def apply_server_side(live: JsonObject, wanted: JsonObject, entry: JsonObject, *, force: bool) -> JsonObject:
    """Apply a configuration as a field manager; ``entry`` is its managedFields entry without fields.

    Raises ApplyConflict when others own fields with other values and ``force`` is not set.
    """
    entries = copy.deepcopy(live["metadata"].get("managedFields") or [])
    contested = check_conflicts(wanted, live, entry["manager"], entries)
    if contested and not force:
        raise ApplyConflict(
            [
                (entries[position]["manager"], entries[position]["apiVersion"], path)
                for position, paths in contested.items()
                for path in sorted(paths)
            ]
        )
    mine = [one for one in entries if one["manager"] == entry["manager"] and one["operation"] == "Apply"]
    owned_before = read_fields(mine[0]["fieldsV1"]) if mine else set()
    applied = field_set(wanted)
    others = [one for one in entries if one not in mine]
    for position, one in enumerate(entries):
        if position in contested:
            one["fieldsV1"] = write_fields(read_fields(one["fieldsV1"]) - contested[position])
    body = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    result = strategic_merge_patch(live, body)
    owned_by_others = set().union(*(read_fields(one["fieldsV1"]) for one in others))
    for path in sorted(owned_before - applied - owned_by_others, key=len, reverse=True):
        _drop(result, path)
    result["metadata"]["managedFields"] = _in_order([*others, {**entry, "fieldsV1": write_fields(applied)}])
    return result


def own_changes(before: JsonObject, after: JsonObject, entry: JsonObject) -> JsonObject:
    """Return ``after`` with the changed fields owned by the entry's manager (operation Update)."""
    changed = changed_fields(before, after)
    gone = removed_fields(before, after)
    entries = []
    identity = ("manager", "operation", "apiVersion", "subresource")
    mine: set[FieldPath] = set()
    for one in copy.deepcopy(before["metadata"].get("managedFields") or []):
        if all(one.get(name) == entry.get(name) for name in identity):
            mine = read_fields(one["fieldsV1"])
            continue
        kept = read_fields(one["fieldsV1"]) - changed - gone
        if kept:
            entries.append({**one, "fieldsV1": write_fields(kept)})
    if changed or gone:
        entries.append({**entry, "fieldsV1": write_fields((mine | changed) - gone)})
        after["metadata"]["managedFields"] = _in_order(entries)
    return after


def _in_order(entries: list[JsonObject]) -> list[JsonObject]:
    return sorted(
        entries, key=lambda one: (one["operation"] != "Apply", one["time"], bool(one.get("subresource")))
    )


def _drop(document: Any, path: FieldPath) -> None:
    for part, following in zip(path, (*path[1:], None), strict=True):
        kind, _, name = part.partition(":")
        if kind == "k":
            continue
        if following is None:
            document.pop(name, None)
            return
        child = document.get(name)
        if following.startswith("k:") and child is not None:
            matches = [item for item in child if list_item_key(name, item) == following]
            if len(path) and part == path[-2] and matches:
                child.remove(matches[0])
                return
            document = matches[0] if matches else {}
        else:
            document = child if isinstance(child, dict) else {}
