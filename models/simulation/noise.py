"""Noise that is a function of (seed, step): any part of a simulation can be made again, in any order.

A generator with state would make a day's values depend on which days were made before it. Here a value is
the hash of its place (Steele, Lea, Flood 2014, SplitMix64 finaliser), so chunks of any size agree.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

UInt64 = NDArray[np.uint64]
Float = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
_SIXTEEN_BITS = np.uint64(0xFFFF)


def mix(values: UInt64) -> UInt64:
    """Return well-scattered 64-bit values (SplitMix64 finaliser), wrapping on overflow."""
    mixed = values ^ (values >> np.uint64(30))
    mixed *= _MULTIPLY_1
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MULTIPLY_2
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_steps(seeds: UInt64, steps: NDArray[np.int64]) -> UInt64:
    """Return one 64-bit value per (seed, step) pair; the two arrays broadcast."""
    return mix(seeds + steps.astype(np.uint64) * _GOLDEN)


def uniform(hashes: UInt64) -> Float:
    """Return values in [0, 1) from hashes (their upper 53 bits)."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(hashes: UInt64) -> Float:
    """Return nearly normal values: the centred sum of four 16-bit uniforms (Irwin-Hall), within 3.46."""
    total = (hashes & _SIXTEEN_BITS).astype(np.float64)
    for shift in (16, 32, 48):
        total += (hashes >> np.uint64(shift)) & _SIXTEEN_BITS
    total *= 3.0**0.5 / 65536.0
    total -= 2.0 * 3.0**0.5
    return total


def seed_of(*parts: object) -> int:
    """Return a 64-bit seed of named parts, the same on every machine."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def uid_of(*parts: object) -> str:
    """Return a UUID of named parts, as the API server would give an object."""
    text = "/".join(str(part) for part in parts)
    return str(UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest(), version=4))


def suffix_of(length: int, *parts: object) -> str:
    """Return a random-looking suffix in the alphabet that Kubernetes uses (no vowels, no 0, 1, 3)."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = seed_of("suffix", *parts)
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        letters.append(alphabet[digit])
    return "".join(letters)
