"""Where settings come from: YAML file, environment and flags, each refused by name when it is wrong."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.vocabulary.errors import UsageError
from service.settings import CONFIG_FILE_NAME, ENV_PREFIX, Settings

CONFIG_VARIABLE = "MILLICORE_CONFIG"
SECRET_NAMES = frozenset({"database_url", "storage_options", "bearer_token", "password"})
"""Settings that may also be given as ``<name>_file``: a path whose content is the value."""

_STRUCTURED = frozenset(
    {"clusters", "storage_options", "risk_class_rules", "trusted_proxy_addresses"}
)  # JSON in the environment
_FOREIGN_VARIABLES = re.compile(
    r"MILLICORE_(REFERENCE_DATA=.*|(.*_)?SERVICE_(HOST|PORT)(_.*)?=.*|(.*_)?PORT(=(tcp|udp)://.*|_\d+_(TCP|UDP).*))"
)
"""Not settings: the tests' data folder, and what Kubernetes injects for a Service named millicore."""


def load_settings(
    config_file: Path | None = None, *, environment: Mapping[str, str] | None = None, **flags: Any
) -> Settings:
    """Layer defaults, file, environment and flags, and check the result.

    Parameters
    ----------
    config_file : Path or None
        The flag ``--config``. A file that is named must exist; default places may be empty.
    environment : mapping or None
        Default the process's environment.
    **flags
        Settings given on the command line; None means not given.

    Raises
    ------
    UsageError
        If the file cannot be read, or a key is unknown or its value is wrong: key and place are named.
    """
    variables = os.environ if environment is None else environment
    flags = {name: value for name, value in flags.items() if value is not None}
    given = _resolve_secret_files(flags, "command line")
    from_environment = _environment_layer(variables)
    home = given.get("home", from_environment.get("home"))
    path = _find_config(config_file, variables, Path(home) if home else None)
    from_file = read_config_file(path) if path else {}
    layers = {str(path): from_file, "environment": from_environment, "command line": given}
    merged = {key: value for layer in layers.values() for key, value in layer.items()}
    if not merged.get("clusters"):
        merged.update(_opencost_fallback(variables))
    try:
        return Settings(**{**merged, "config_file": path})
    except ValidationError as problem:
        raise UsageError(_explain(problem, layers)) from problem


def read_config_file(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings, with its ``*_file`` secrets resolved.

    Raises
    ------
    UsageError
        If it cannot be read, is not a mapping, or holds an unknown key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"settings file {path} cannot be read: {problem.strerror or problem}") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"settings file {path} is not UTF-8 text") from problem
    except yaml.YAMLError as problem:
        raise UsageError(f"settings file {path} is not YAML: {problem}") from problem
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"settings file {path} must be a mapping of setting to value")
    resolved = _resolve_secret_files(content, str(path))
    _refuse_unknown(resolved, str(path))
    return resolved


def _find_config(flag: Path | None, variables: Mapping[str, str], home: Path | None) -> Path | None:
    named = flag or (Path(variables[CONFIG_VARIABLE]) if variables.get(CONFIG_VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            raise UsageError(f"settings file {named} does not exist")
        return named
    places = [home / CONFIG_FILE_NAME] if home else []
    return next((path for path in (*places, Path(CONFIG_FILE_NAME)) if path.is_file()), None)


def _environment_layer(variables: Mapping[str, str]) -> dict[str, Any]:
    layer: dict[str, Any] = {}
    for variable, text in variables.items():
        if not text or not variable.startswith(ENV_PREFIX) or variable == CONFIG_VARIABLE:
            continue
        name = variable.removeprefix(ENV_PREFIX).lower()
        if _is_known(name):
            layer[name] = _decode(name, text, variable)
        elif not _FOREIGN_VARIABLES.fullmatch(f"{variable}={text}"):
            raise UsageError(f"environment: unknown setting {variable}{_closest(name, prefix=ENV_PREFIX)}")
    return _resolve_secret_files(layer, "environment")


def _decode(name: str, text: str, variable: str) -> Any:
    if name not in _STRUCTURED:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise UsageError(f"environment: {variable} is not JSON: {problem}") from problem


def _is_known(name: str) -> bool:
    return name in Settings.model_fields or name.removesuffix("_file") in SECRET_NAMES


def _closest(name: str, *, prefix: str = "", names: Iterable[str] | None = None) -> str:
    found = difflib.get_close_matches(name, list(names or Settings.model_fields), n=1)
    if not found:
        return "; docs/settings.md lists them all"
    return f"; did you mean {prefix + found[0].upper() if prefix else found[0]}?"


def _refuse_unknown(content: Mapping[str, Any], place: str) -> None:
    for key in content:
        if str(key) not in Settings.model_fields or key == "config_file":
            raise UsageError(f"{place}: unknown setting {key!r}{_closest(str(key))}")


def _resolve_below(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return [_resolve_below(item, place) for item in value]
    return _resolve_secret_files(value, place) if isinstance(value, dict) else value


def _resolve_secret_files(value: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Replace ``<secret>_file: path`` by ``<secret>: content`` at every depth."""
    resolved: dict[str, Any] = {}
    for key, item in value.items():
        stem = str(key).removesuffix("_file")
        if stem != str(key) and stem in SECRET_NAMES:
            if stem in value:
                raise UsageError(f"{place}: {stem} and {key} are both given; keep one")
            resolved[stem] = _read_secret(stem, Path(str(item)), place)
        else:
            resolved[str(key)] = _resolve_below(item, place)
    return resolved


def _read_secret(name: str, path: Path, place: str) -> Any:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as problem:
        reason = problem.strerror or problem
        raise UsageError(f"{place}: {name}_file {path} cannot be read: {reason}") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"{place}: {name}_file {path} is not UTF-8 text") from problem
    return yaml.safe_load(text) if name in _STRUCTURED else text


def _opencost_fallback(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return one cluster from the variables that OpenCost reads, or nothing."""
    url = variables.get("PROMETHEUS_SERVER_ENDPOINT")
    if not url:
        return {}
    return {"clusters": [{"name": variables.get("CLUSTER_ID") or "default", "prometheus": {"url": url}}]}


def _explain(problem: ValidationError, layers: dict[str, dict[str, Any]]) -> str:
    """Name place, key, value (unless it is secret) and reason of each fault."""
    lines = []
    for fault in problem.errors():
        key = str(fault["loc"][0]) if fault["loc"] else ""
        place = next((name for name in reversed(list(layers)) if key in layers[name]), "settings")
        path = ".".join(str(part) for part in fault["loc"])
        reason = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown setting {path}")
        elif (SECRET_NAMES | {"headers"}) & {str(part) for part in fault["loc"]} or isinstance(
            fault["input"], dict
        ):
            lines.append(f"{place}: {path}: {reason}")
        else:
            lines.append(f"{place}: {path} has value {fault['input']!r}: {reason}")
    return "; ".join(lines)
