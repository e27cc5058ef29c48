"""Ctrl-C that is not lost: an interrupt that Python had to swallow comes again."""

from __future__ import annotations

import _thread
import sys
import threading

_SOON_SECONDS = 0.05


def hand_on_swallowed_interrupts() -> None:
    """Interrupt the main thread again when an interrupt was ignored.

    A signal that arrives while a destructor or a callback of a C library runs cannot be raised there: Python
    prints it as "exception ignored" and goes on as if nobody had pressed anything.
    """
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # a moment later, so that it does not arrive inside this hook and is lost once more
            again = threading.Timer(_SOON_SECONDS, _thread.interrupt_main)
            again.daemon = True
            again.start()
        else:
            before(unraisable)

    sys.unraisablehook = hook
