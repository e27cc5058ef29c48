"""The change that a suggestion means, written in the forms that people and tools take."""

from __future__ import annotations

from service.patches.change import ResourceChange, can_be_patched, change_of
from service.patches.commands import write_command
from service.patches.render import PatchFormat, PatchText, render
from service.patches.strategic import build_patch, write_patch

__all__ = [
    "PatchFormat",
    "PatchText",
    "ResourceChange",
    "build_patch",
    "can_be_patched",
    "change_of",
    "render",
    "write_command",
    "write_patch",
]
