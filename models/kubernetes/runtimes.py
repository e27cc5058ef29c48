"""The language runtime of a container, from its own specification: which one, and how it sizes itself.

Only numbers are taken out of variables and commands; their text, which may hold secrets, is never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Any

from models.vocabulary.errors import InputError
from models.vocabulary.quantity import parse_quantity

_JVM_VARIABLES = (
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "JAVA_OPTS",
    "JVM_OPTS",
    "CATALINA_OPTS",
)
_XMX = re.compile(r"-Xmx(\d+)([kKmMgGtT]?)\b")
_MAX_RAM = re.compile(r"-XX:MaxRAMPercentage=(\d+(?:\.\d+)?)")
_PROCESSORS = re.compile(r"-XX:ActiveProcessorCount=(\d+)")
_OLD_SPACE = re.compile(r"--max[-_]old[-_]space[-_]size[= ](\d+)")
_GO_LIMIT = re.compile(r"^(\d+)(B|KiB|MiB|GiB|TiB)?$")
_POWERS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_IMAGES = (
    ("jvm", re.compile(r"openjdk|temurin|corretto|\bjdk|\bjre|zulu|liberica|tomcat|jetty|wildfly|keycloak")),
    ("node", re.compile(r"(^|/)node(js)?[:@]|(^|/)node(js)?$")),
    ("python", re.compile(r"(^|/)python[:@]|(^|/)python$")),
    ("go", re.compile(r"(^|/)golang[:@]|(^|/)golang$")),
)
_PROGRAMS = {
    "java": "jvm",
    "node": "node",
    "nodejs": "node",
    "npm": "node",
    "python": "python",
    "python3": "python",
    "gunicorn": "python",
    "uvicorn": "python",
    "celery": "python",
}


def find_runtime(container: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a container's specification says of its language runtime, None when it says nothing.

    Variables that set a heap go first, then the program that is started, then the image's name.

    Parameters
    ----------
    container : mapping
        One entry of ``spec.containers``.

    Returns
    -------
    dict or None
        ``name`` (jvm, go, node, python), ``found_in``, and where stated ``heap_bytes``, ``heap_ratio``,
        ``threads``; plain values, ready for JSON.
    """
    variables = {
        str(one.get("name")): str(one.get("value") or "")
        for one in container.get("env") or ()
        if isinstance(one, Mapping)
    }
    words = [str(word) for part in ("command", "args") for word in container.get(part) or ()]
    image = str(container.get("image") or "")
    return next(chain(_by_variables(variables), _by_command(words), _by_image(image)), None)


def _by_variables(variables: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name in _JVM_VARIABLES:
        if name in variables:
            yield _jvm(name, variables[name])
    if "GOMEMLIMIT" in variables or "GOMAXPROCS" in variables:
        name = "GOMEMLIMIT" if "GOMEMLIMIT" in variables else "GOMAXPROCS"
        limit = _GO_LIMIT.match(variables.get("GOMEMLIMIT", ""))
        heap = None if limit is None else int(limit[1]) << _POWERS[(limit[2] or "")[:1].lower()]
        yield _facts("go", name, heap_bytes=heap, threads=_number(variables.get("GOMAXPROCS")))
    if "NODE_OPTIONS" in variables:
        yield _node("NODE_OPTIONS", variables["NODE_OPTIONS"])


def _by_command(words: list[str]) -> Iterator[dict[str, Any]]:
    text = " ".join(words)
    if _XMX.search(text) or _MAX_RAM.search(text):
        yield _jvm("its command", text)
    if _OLD_SPACE.search(text):
        yield _node("its command", text)
    for word in text.split()[:4]:
        name = _PROGRAMS.get(word.rsplit("/", 1)[-1])
        if name is not None:
            yield _facts(name, "its command")


def _by_image(image: str) -> Iterator[dict[str, Any]]:
    for name, pattern in _IMAGES:
        if pattern.search(image.lower()):
            yield _facts(name, "its image")


def _jvm(found_in: str, text: str) -> dict[str, Any]:
    heap, ratio = _XMX.findall(text), _MAX_RAM.findall(text)
    processors = _PROCESSORS.findall(text)
    # of a flag that is repeated the JVM takes the last
    return _facts(
        "jvm",
        found_in,
        heap_bytes=int(heap[-1][0]) << _POWERS[heap[-1][1].lower()] if heap else None,
        heap_ratio=float(ratio[-1]) / 100 if ratio and not heap else None,
        threads=float(processors[-1]) if processors else None,
    )


def _node(found_in: str, text: str) -> dict[str, Any]:
    heap = _OLD_SPACE.findall(text)
    return _facts("node", found_in, heap_bytes=int(heap[-1]) << 20 if heap else None)


def _facts(name: str, found_in: str, **numbers: float | None) -> dict[str, Any]:
    known = {key: float(value) for key, value in numbers.items() if value is not None}
    return {"name": name, "found_in": found_in, **known}


def _number(text: str | None) -> float | None:
    if not text:
        return None
    try:
        amount: Decimal = parse_quantity(text)
    except InputError:
        return None
    return float(amount)
