"""Names of the formats of price lists, apart from their readers: a command's help needs only the names."""

from __future__ import annotations

from enum import StrEnum


class PriceFormat(StrEnum):
    """Formats of price lists."""

    MILLICORE = "millicore"
    AWS = "aws"
    AZURE = "azure"
    GOOGLE = "google"
    ALIBABA = "alibaba"
    SPOT_HISTORY = "spot-history"
