"""Plain twin of the cut coarsening: fine cells as dictionaries, corners of coarse cells as sets."""

from itertools import combinations, product

CORNERS = list(product((0, 1), repeat=3))  # z, y, x; corner number 4 z + 2 y + x


class Sets:
    """Disjoint sets of anything."""

    def __init__(self):
        self.parent = {}

    def root(self, item):
        self.parent.setdefault(item, item)
        while self.parent[item] != item:
            item = self.parent[item]
        return item

    def join(self, a, b):
        self.parent[self.root(a)] = self.root(b)


def parents(place):
    """Coarse positions that a fine node at this position hangs on."""
    return set(product(*[{c // 2, (c + 1) // 2} for c in place]))


def coarse_nodes_plain(places, nodes):
    """Coarse nodes at the eight corners of the coarse cell of every fine cell, as names of any kind.

    places : position z, y, x of every fine cell; nodes : its eight node numbers

    Cells of a coarse cell that share a node are one copy. A fine node makes its parents in all copies that hold it one.
    """
    cells = range(len(places))
    copies, at_node = Sets(), {}
    for cell in cells:
        for node in nodes[cell]:
            at_node.setdefault(node, []).append(cell)
    coarse_of = [tuple(c // 2 for c in place) for place in places]
    for together in at_node.values():
        for a, b in combinations(together, 2):
            if coarse_of[a] == coarse_of[b]:
                copies.join(a, b)
    corners = Sets()
    for together in at_node.values():
        node_place = _place_of(together[0], places, nodes, at_node, together)
        for a, b in combinations(together, 2):
            for parent in parents(node_place):
                corners.join((copies.root(a), parent), (copies.root(b), parent))
    names = []
    for cell in cells:
        around = [tuple(c + d for c, d in zip(coarse_of[cell], corner, strict=True)) for corner in CORNERS]
        names.append([corners.root((copies.root(cell), place)) for place in around])
    return names


def _place_of(cell, places, nodes, at_node, together):
    node = next(n for n in nodes[cell] if at_node[n] is together)
    corner = CORNERS[list(nodes[cell]).index(node)]
    return tuple(c + d for c, d in zip(places[cell], corner, strict=True))
