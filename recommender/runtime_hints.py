"""Language runtimes: which heap or thread setting belongs to a memory or CPU limit, and what it forbids.

Sources: HotSpot flags ``-Xmx``, ``-XX:MaxRAMPercentage`` (default 25 %), Go's ``GOMEMLIMIT`` and
``GOMAXPROCS``, Node's ``--max-old-space-size`` (MiB). A heap that is set by hand is a floor: a limit below
heap plus what the runtime takes beside it kills the process, however little it used so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.vocabulary.quantity import say_memory
from models.vocabulary.recommendation import ResourceValues, RuntimeHint

MEBIBYTE = float(1 << 20)
JVM, GO, NODE, PYTHON = "jvm", "go", "node", "python"
RUNTIMES = (JVM, GO, NODE, PYTHON)

OVERHEAD_RATIO = {JVM: 0.25, GO: 0.10, NODE: 0.25, PYTHON: 0.10}
"""Memory beside the heap as a share of the heap: metaspace, threads, code cache, buffers, the binary."""
OVERHEAD_BYTES = {JVM: 128 * MEBIBYTE, GO: 16 * MEBIBYTE, NODE: 64 * MEBIBYTE, PYTHON: 16 * MEBIBYTE}
_JVM_DEFAULT_RATIO = 0.25


@dataclass(frozen=True)
class RuntimeFacts:
    """What is known of a container's language runtime.

    Parameters
    ----------
    name : str
        One of `RUNTIMES`.
    found_in : str
        What told it: an annotation, a variable, the command or the image.
    heap_bytes : float or None
        Largest heap that is set as a number of bytes.
    heap_ratio : float or None
        Largest heap that is set as a share of the limit.
    threads : float or None
        Processors that the runtime is told to use.
    """

    name: str
    found_in: str
    heap_bytes: float | None = None
    heap_ratio: float | None = None
    threads: float | None = None


def heap_floor(facts: RuntimeFacts | None) -> float | None:
    """Return the least memory limit that holds a heap set by hand, bytes; None where none is set."""
    if facts is None or facts.heap_bytes is None:
        return None
    return facts.heap_bytes + _overhead(facts.name, facts.heap_bytes)


def lowers_memory(facts: RuntimeFacts | None) -> bool:
    """Whether memory may be lowered without touching the runtime: not where the heap follows the limit.

    A JVM sizes its heap by the limit when it starts; what was used under a large limit says little about
    what it needs under a small one.
    """
    return facts is None or facts.name != JVM or facts.heap_bytes is not None


def advise_runtime(facts: RuntimeFacts | None, advised: ResourceValues) -> RuntimeHint | None:
    """Return the setting that matches the advised values, in words; None where there is nothing to set.

    Parameters
    ----------
    facts : RuntimeFacts or None
    advised : ResourceValues
    """
    if facts is None:
        return None
    limit = advised.memory_limit_bytes or advised.memory_request_bytes
    if limit is None:
        return None
    settings, sentence = _WORDS[facts.name](facts, limit, advised.cpu_limit_cores)
    return RuntimeHint(facts.name, facts.found_in, sentence, settings)


def _overhead(name: str, heap: float) -> float:
    return max(heap * OVERHEAD_RATIO[name], OVERHEAD_BYTES[name])


def _heap_for(name: str, limit: float) -> int:
    """Return the largest heap in MiB that leaves the runtime its overhead below a limit."""
    by_ratio = limit / (1 + OVERHEAD_RATIO[name])
    return max(int(min(by_ratio, limit - OVERHEAD_BYTES[name]) / MEBIBYTE), 1)


def _jvm(facts: RuntimeFacts, limit: float, cpu: float | None) -> tuple[dict[str, str], str]:
    del cpu
    heap = _heap_for(JVM, limit)
    if facts.heap_bytes is not None:
        return {"-Xmx": f"{heap}m"}, (
            f"Java heap: {say_memory(facts.heap_bytes)} is set; with a limit of {say_memory(limit)} "
            f"-Xmx{heap}m fits."
        )
    ratio = facts.heap_ratio if facts.heap_ratio is not None else _JVM_DEFAULT_RATIO
    share = max(min(math.floor(heap * MEBIBYTE / limit * 100), 80), 1)
    return {"-XX:MaxRAMPercentage": f"{share}"}, (
        f"Java takes {ratio:.0%} of the limit as heap; with {say_memory(limit)} "
        f"-XX:MaxRAMPercentage={share} leaves room for the rest of the process."
    )


def _go(facts: RuntimeFacts, limit: float, cpu: float | None) -> tuple[dict[str, str], str]:
    del facts
    soft = max(int(limit * 0.9 / MEBIBYTE), 1)
    settings = {"GOMEMLIMIT": f"{soft}MiB"}
    words = f"Go: GOMEMLIMIT={soft}MiB (90 % of the limit) lets it collect before the kernel kills it"
    if cpu is not None:
        settings["GOMAXPROCS"] = str(max(math.ceil(cpu - 1e-9), 1))
        words += f"; GOMAXPROCS={settings['GOMAXPROCS']} matches the CPU limit"
    return settings, f"{words}."


def _node(facts: RuntimeFacts, limit: float, cpu: float | None) -> tuple[dict[str, str], str]:
    del facts, cpu
    heap = _heap_for(NODE, limit)
    return {"NODE_OPTIONS": f"--max-old-space-size={heap}"}, (
        f"Node.js: NODE_OPTIONS=--max-old-space-size={heap} (MiB) keeps its heap below the limit."
    )


def _python(facts: RuntimeFacts, limit: float, cpu: float | None) -> tuple[dict[str, str], str]:
    del facts, cpu
    return {}, (
        f"Python gives little memory back: keep the number of worker processes such that all of them fit "
        f"into {say_memory(limit)}."
    )


_WORDS = {JVM: _jvm, GO: _go, NODE: _node, PYTHON: _python}
