"""Kubernetes resource quantities (``500m``, ``1.5Gi``, ``128974848e0``, ``107374182400m``)."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from models.vocabulary.errors import InputError

_QUANTITY = re.compile(
    r"^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse_quantity(text: str | int | float, *, field: str | None = None) -> Decimal:
    """Return a quantity in base units (cores, bytes, devices), exactly.

    Grammar: ``k8s.io/apimachinery/pkg/api/resource`` (signed number, then a decimal SI suffix, a binary
    suffix or an exponent).

    Raises
    ------
    InputError
        If the text is not a quantity; ``field`` is named in the message.
    """
    match = _QUANTITY.match(str(text).strip())
    if match is None:
        raise InputError("is not a Kubernetes quantity like 500m or 1Gi", field=field, value=text)
    number, suffix, exponent = Decimal(match[1]), match[2], match[3]
    if exponent is not None:
        return number.scaleb(int(exponent))
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix]) if suffix else number


def format_cpu(cores: float) -> str:
    """Return cores as a Kubernetes quantity, rounded up to a millicore: ``0.25`` gives ``250m``."""
    millicores = _ceil(Decimal(str(float(cores))).scaleb(3))
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_memory(size_bytes: float) -> str:
    """Return bytes as a Kubernetes quantity, rounded up to a mebibyte: ``1073741824`` gives ``1Gi``."""
    mebibytes = _ceil(Decimal(str(float(size_bytes))) / (1 << 20))
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 and mebibytes else f"{mebibytes}Mi"


def say_cores(cores: float) -> str:
    """Return cores for people, with three decimals below a tenth: ``0.25`` gives ``0.25 cores``."""
    return f"{cores:,.3f} cores" if cores < 0.1 else f"{cores:,.2f} cores"


def say_memory(size_bytes: float) -> str:
    """Return bytes for people, MiB below one GiB: ``1073741824`` gives ``1.00 GiB``."""
    return f"{size_bytes / 2**20:,.0f} MiB" if size_bytes < 2**30 else f"{size_bytes / 2**30:,.2f} GiB"


def _ceil(number: Decimal) -> int:
    return int(number.to_integral_value(rounding=ROUND_CEILING))
