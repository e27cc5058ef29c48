"""The family of an instance type, by which commitment benefits are blended."""

from __future__ import annotations

import re

_ALIBABA = re.compile(r"(ecs\.[a-z0-9-]+)\..+")
_AZURE = re.compile(r"(?:Standard|Basic)_([A-Z]+)\d+(?:-\d+)?([a-z]*)(?:_.*?)?(?:_?(v\d+))?")
_GOOGLE = re.compile(r"([a-z]\d[a-z]?)-[a-z]+.*")
_AMAZON = re.compile(r"([a-z0-9-]+)\.[a-z0-9-]+")


def instance_family(instance_type: str | None) -> str:
    """Return the family of an instance type; a type of no known form is its own family.

    ``m5.xlarge`` is of ``m5``, ``Standard_D4s_v5`` of ``Dsv5``, ``n2-standard-8`` of ``n2``,
    ``ecs.g7.2xlarge`` of ``ecs.g7``. None is of no family, the empty text.
    """
    if not instance_type:
        return ""
    if match := _ALIBABA.fullmatch(instance_type):
        return match[1]
    if match := _AZURE.fullmatch(instance_type):
        return match[1] + match[2] + (match[3] or "")
    if match := _GOOGLE.fullmatch(instance_type):
        return match[1]
    if match := _AMAZON.fullmatch(instance_type):
        return match[1]
    return instance_type
