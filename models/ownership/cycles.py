"""Loops among names: teams that are each other's parents, aliases that lead back, shared teams that share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.vocabulary.errors import InputError


def find_cycle(edges: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """Return the names of one loop, its first name again at the end; None when there is none.

    The same loop is found whatever the order of the edges. Runs in time linear in the edges, without
    recursion.
    """
    finished: set[str] = set()
    for root in sorted(edges):
        path: list[str] = []
        on_path: set[str] = set()
        waiting: list[tuple[str, bool]] = [(root, False)]
        while waiting:
            name, is_left = waiting.pop()
            if is_left:
                path.pop()
                on_path.discard(name)
                finished.add(name)
                continue
            if name in on_path:
                return _turned((*path[path.index(name) :], name))
            if name in finished:
                continue
            path.append(name)
            on_path.add(name)
            waiting.append((name, True))
            waiting += [(target, False) for target in sorted(edges.get(name, ()), reverse=True)]
    return None


def _turned(loop: tuple[str, ...]) -> tuple[str, ...]:
    """Let a loop begin at its smallest name."""
    names = loop[:-1]
    first = names.index(min(names))
    turned = names[first:] + names[:first]
    return (*turned, turned[0])


def check_no_cycle(
    edges: Mapping[str, Iterable[str]], what: str, *, field: str, file: str | None = None
) -> None:
    """Refuse edges that lead in a circle.

    Parameters
    ----------
    edges : mapping of str to iterable of str
        From each name to the names it depends on.
    what : str
        What is wrong, as a clause; the loop is added to it.
    field : str
    file : str or None

    Raises
    ------
    InputError
        Naming every name of the loop in order.
    """
    loop = find_cycle(edges)
    if loop is not None:
        raise InputError(f"{what}: {' -> '.join(loop)}; take one of them out", file=file, field=field)
