"""Strongly connected components of a graph (Tarjan, 1972), without recursion."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["strongly_connected_components"]


def strongly_connected_components(edges: Mapping[int, Collection[int]]) -> list[list[int]]:
    """The components, each after those that it has edges to. The order depends on the nodes and edges only."""
    index: dict[int, int] = {}
    lowest: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in sorted(edges):
        if root in index:
            continue
        index[root] = lowest[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        todo = [(root, iter(sorted(edges[root])))]
        while todo:
            node, rest = todo[-1]
            for to in rest:
                if to not in index:
                    index[to] = lowest[to] = len(index)
                    stack.append(to)
                    on_stack.add(to)
                    todo.append((to, iter(sorted(edges[to]))))
                    break
                if to in on_stack:
                    lowest[node] = min(lowest[node], index[to])
            else:
                todo.pop()
                if todo:
                    caller = todo[-1][0]
                    lowest[caller] = min(lowest[caller], lowest[node])
                if lowest[node] == index[node]:
                    component = [stack.pop()]
                    while component[-1] != node:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    found.append(component)
    return found
