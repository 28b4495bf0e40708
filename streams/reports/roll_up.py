"""The roll-up of a tree: figures of places become figures of nodes, each with all below it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Codes from a root down to a node."""


@dataclass(slots=True)
class Sums:
    """Figures of a node: its own, and those of itself with all below. Children and own are always the node."""

    own: list[int]
    whole: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.whole = list(self.own)


def roll_up(places: Iterable[tuple[Path, Sequence[int]]], figures: int) -> dict[Path, Sums]:
    """The sums of every place and of all nodes above, of so many figures each; a path may come several times."""
    nodes: dict[Path, Sums] = {}
    for path, counted in places:
        for depth in range(1, len(path) + 1):
            node = nodes.setdefault(path[:depth], Sums([0] * figures))
            node.whole = list(map(add, node.whole, counted))
        node.own = list(map(add, node.own, counted))
    return nodes


def merged(nodes: Iterable[Sums], figures: int) -> Sums:
    """Several places of one agency as one: it had other parents on other days."""
    total = Sums([0] * figures)
    for node in nodes:
        total.own = list(map(add, total.own, node.own))
        total.whole = list(map(add, total.whole, node.whole))
    return total
