"""One run of a command: its common options, settings, runtime, principal and the doubts it met."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.vocabulary.identity import Principal
from service.cli.output import Column, OutputFormat, Row, write_json, write_rows
from service.logs import configure_logs
from service.progress import Progress, progress_for_people
from service.setting_sources import load_settings
from service.settings import Settings

if TYPE_CHECKING:
    # the warehouse takes a second to import, which `--help` and `version` need not wait for
    from service.runtime import Runtime


@dataclass
class Session:
    """What every command gets as its first argument.

    Parameters
    ----------
    home, config : Path or None
        Folder and settings file that were named.
    output : OutputFormat
    is_debug : bool
        Show tracebacks and debug logs.
    workers : int or None
        Overrides the setting.
    """

    home: Path | None = None
    config: Path | None = None
    output: OutputFormat = OutputFormat.TABLE
    is_debug: bool = False
    workers: int | None = None
    is_service: bool = False
    """Whether the command runs on and on, and its log is what it tells."""
    flags: dict[str, Any] = field(default_factory=dict)
    """Settings that the command's own flags give; read when the settings are first needed."""
    doubts: list[str] = field(default_factory=list)

    @cached_property
    def settings(self) -> Settings:
        """Settings of this run; logs are configured from them."""
        level = "debug" if self.is_debug else None
        settings = load_settings(
            self.config, home=self.home, workers=self.workers, log_level=level, **self.flags
        )
        configure_logs(self._log_level(settings))
        return settings

    def _log_level(self, settings: Settings) -> str:
        """Return info for services; a person at a prompt reads notes and errors, not a log."""
        is_chosen = "log_level" in settings.model_fields_set
        return settings.log_level if self.is_service or is_chosen else "warning"

    @cached_property
    def runtime(self) -> Runtime:
        """Runtime on the warehouse of the settings, which must exist."""
        from service.runtime import Runtime

        return Runtime.wire(self.settings)

    def create_warehouse(self) -> Runtime:
        """Return the runtime, creating the embedded warehouse at its first use.

        A database that is shared is never created in passing: that takes ``millicore migrate``.
        """
        from service.runtime import Runtime

        if "runtime" not in self.__dict__:
            self.__dict__["runtime"] = Runtime.wire(self.settings, migrate=self.settings.is_embedded)
        return self.runtime

    def close(self) -> None:
        """Close the warehouse, if this run opened it."""
        opened: Runtime | None = self.__dict__.get("runtime")
        if opened is not None:
            opened.warehouse.close()

    @property
    def principal(self) -> Principal:
        """The operating-system user. Who can read the files of a local warehouse is its admin."""
        from service.access import local_principal

        return local_principal()

    @property
    def progress(self) -> Progress:
        """A bar when a person is watching."""
        return progress_for_people()

    def rows(
        self, rows: Sequence[Row], columns: Sequence[Column], *, title: str = "", empty: str = ""
    ) -> None:
        """Write rows to stdout in the chosen format."""
        write_rows(rows, columns, self.output, title=title, empty=empty or "Nothing to show.")

    def document(self, value: Any, text: str) -> None:
        """Write one value: as text for people, as JSON for machines."""
        if self.output is OutputFormat.JSON:
            write_json(value)
        else:
            sys.stdout.write(text.rstrip("\n") + "\n")

    def report(self, text: str) -> None:
        """Write a line of a report: to stdout for people, to stderr when stdout is for a machine."""
        stream = sys.stdout if self.output is OutputFormat.TABLE else sys.stderr
        stream.write(text.rstrip("\n") + "\n")
        stream.flush()

    def say(self, text: str) -> None:
        """Tell a person what happens, on stderr, so that stdout holds data only."""
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()

    def doubt(self, text: str) -> None:
        """Note that data is missing or assumed: the command ends with exit code 3."""
        if text and text not in self.doubts:
            self.doubts.append(text)
