"""Files that describe CMDBs: YAML, with secrets from files or variables, never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ingest.files.text_files import read_small_text
from ingest.ownership.settings import CmdbSource, parse_source
from models.vocabulary.errors import InputError
from service.runtime import Runtime

_SECRETS = ("token", "database_url")


def load_source(runtime: Runtime, path: Path, variables: Mapping[str, str] | None = None) -> CmdbSource:
    """Return the source that a file describes.

    ``token`` and ``database_url``, and each header, may be given as ``<name>_file`` (a path) or
    ``<name>_env`` (a variable) instead.

    Raises
    ------
    InputError
        Naming file and key; values of secrets are never part of it.
    """
    try:
        content = yaml.safe_load(read_small_text(path))
    except yaml.YAMLError as problem:
        raise InputError("is not YAML", file=str(path)) from problem
    if not isinstance(content, dict):
        raise InputError("is not a mapping of keys to values", file=str(path))
    known = os.environ if variables is None else variables
    document = _with_secrets(content, _SECRETS, path, known)
    headers = document.get("headers")
    if isinstance(headers, dict):
        names = [str(name) for name in headers if not str(name).endswith(("_file", "_env"))]
        stems = [str(name).removesuffix("_file").removesuffix("_env") for name in headers]
        document["headers"] = _with_secrets(headers, sorted({*names, *stems}), path, known)
    return parse_source(document, path, runtime.settings.zone)


def _with_secrets(
    given: Mapping[Any, Any], names: Any, path: Path, variables: Mapping[str, str]
) -> dict[str, Any]:
    found = {str(key): value for key, value in given.items()}
    for name in names:
        ways = [key for key in (name, f"{name}_file", f"{name}_env") if key in found]
        if len(ways) > 1:
            raise InputError(f"is given twice, as {' and '.join(ways)}: keep one", file=str(path), field=name)
        if not ways or ways[0] == name:
            continue
        source = str(found.pop(ways[0]))
        found[name] = (
            _from_file(path.parent / source, path, ways[0])
            if ways[0].endswith("_file")
            else _from_variable(source, path, ways[0], variables)
        )
    return found


def _from_file(secret: Path, path: Path, key: str) -> str:
    try:
        return secret.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"names {secret}, which cannot be read", file=str(path), field=key) from problem


def _from_variable(name: str, path: Path, key: str, variables: Mapping[str, str]) -> str:
    if not variables.get(name):
        raise InputError(f"names the variable {name}, which is not set", file=str(path), field=key)
    return variables[name]
