"""The option ``--month``: a word that is no month is a wrong use of the command, not bad data."""

from __future__ import annotations

from typing import Annotated

import typer

from models.vocabulary.errors import InputError
from models.vocabulary.windows import month_bounds


def parse_month(text: str) -> str:
    """Return the text if it is a month like 2026-10.

    Raises
    ------
    typer.BadParameter
        If it is not; the command ends with exit code 2.
    """
    try:
        month_bounds(text)
    except InputError:
        raise typer.BadParameter(f"{text!r} is not a month like 2026-10") from None
    return text


Month = Annotated[str, typer.Option("--month", help="Like 2026-10.", metavar="MONTH", parser=parse_month)]
