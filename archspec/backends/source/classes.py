"""From the hierarchy of graphs to the classes of a source file.

A block is a class with the block's parameters, as far as it reads them: it is elaborated once more with named numbers, so that its
constructor calls hold the block's own expressions. Instances share a class where these agree. A label over a plain chain is a chain
of the framework, one over anything else a class of its own, with the parameters of the block around it that it reads.
"""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archspec.analysis.aliases import Uses
from archspec.backends.registry import Unsupported
from archspec.backends.source.alike import check_alike
from archspec.backends.source.body import UNREAD, Body, Item, Made, Pick, Reach, Shared, picks_of, step_of
from archspec.backends.source.chain import Chain
from archspec.backends.source.constructor import Many, New, annotation, leaves, parameters, short, written
from archspec.backends.source.dialect import Dialect
from archspec.backends.source.lent import Lent, lent_by, seen_from
from archspec.backends.source.loops import as_loop
from archspec.backends.source.merged import MOST, Variant, merged
from archspec.backends.source.signature import input_names, result_names
from archspec.elaborate.naming import Origin, named
from archspec.ir.graph import Call, Further, Graph, Layered, Network, Node, Owner
from archspec.ir.walk import Names, inner_names
from archspec.numeric import Spelled, value_of


class Class(NamedTuple):
    """A class to be written; `parameters` are the arguments of its constructor, with the values that they are given."""

    name: str
    about: str
    body: Body
    parameters: dict[str, list[Any]]

    @property
    def outputs(self) -> str:
        """The class of its results, where it has several."""
        return f"{self.name}Outputs"

    def heading(self) -> str:
        """The parameters as a constructor declares them."""
        return "".join(f", {name}: {annotation(values)}" for name, values in self.parameters.items())


class Classes:
    """The classes that a network needs, callees first."""

    def __init__(self, network: Network, dialect: Dialect, lines: Callable[[Class], int]) -> None:
        self.dialect = dialect
        self.lines = lines
        """How long a class is."""
        self.taken = set(dialect.reserved)
        self.order: dict[str, int] = {}
        """The parameters of blocks, the channels first, the others as their blocks declare them."""
        self.network, self.origins = named(network, self.called)
        self.seen: set[Graph] = set()
        self.around: dict[Graph, Graph] = {}
        """The graph that first calls another."""
        self.graphs: list[Graph] = []
        """Those of calls that are not inline, callees first."""
        self.calls: dict[object, list[Call]] = {}
        """The first calls of graphs that are not inline, by the block or label that these come from."""
        self.found: dict[object, Class] = {}
        """Classes by what tells them apart."""
        self.made: dict[Graph, Class | Made] = {}
        self.open: set[object] = set()
        """The blocks and labels whose callees are being made."""
        self.read: dict[Graph, Counter[int]] = {}
        self.names: dict[int, dict[int, str]] = {}
        """The attributes of the rounds of elements, by their identity."""
        self.inside: list[Graph] = []
        """The graph whose body is made, and the inline ones in it that are open."""
        self.shared: dict[Shared, str] = {}
        self.lent: dict[Graph, tuple[Shared, ...]] = {}
        """What the classes of graphs are given from around; graphs of one class may be given different modules."""
        self.resized: set[Graph] = set()
        """Those whose modules are called again with values of other sizes."""
        self.picks: dict[int, Pick] = {}
        self.given: dict[int, list[list[int]]] = {}
        """The numbers of the results of elements' rounds, by their identity, in graphs that pick some."""
        self.uses = Uses()

    def run(self) -> Body:
        """Make the classes; returns the body of the whole."""
        lent = Lent(self.node)
        self.network, came = self.dialect.prepared(lent.network(self.network))
        for graph, was in [*lent.came.items(), *came.items()]:
            self.origins |= {graph: self.origins[was]} if was in self.origins else {}
        self.collect(self.network.graph, Origin())
        self.make_callees(self.network.graph)
        return self.body(self.network.graph)

    def called(self, names: Sequence[str]) -> list[str]:
        """Name the parameters of a block, `cin` first. Names with two underscores mean something in a class."""
        found: list[str] = []
        for name in (*names[1:], "channels"):
            safe = (name.strip("_") or "value") if name.startswith("__") else name
            while keyword.iskeyword(safe) or safe in self.dialect.reserved or safe in found or self.dialect.helper(safe) is not None:
                safe += "_"
            found.append(safe)
        for at, name in enumerate(found):
            self.order.setdefault(name, (at + 1) % len(found))
        return [found[-1], *found[:-1]]

    @property
    def written(self) -> list[Class]:
        """The classes, callees first."""
        made = [self.made[graph] for graph in self.graphs]
        return list({class_.name: class_ for class_ in made if isinstance(class_, Class)}.values())

    def collect(self, graph: Graph, around: Origin) -> None:
        """Collect the calls with weights of their own, of a graph and those that it calls. A label is given what its block is given."""
        for _, element in graph.layered:
            if isinstance(element, Call) and element.owner is None and element.graph not in self.seen:
                inner = element.graph
                self.seen.add(inner)
                self.around[inner] = graph
                origin = self.origins.setdefault(inner, around._replace(place=around.place and element.span))
                self.collect(inner, origin)
                if not element.inline:
                    self.graphs.append(inner)
                    self.calls.setdefault(origin.place or inner, []).append(element)

    def make_callees(self, graph: Graph) -> None:
        """Make the modules of the graphs that a graph calls; those of a block or label together, after what any of them calls."""
        for _, element in graph.layered:
            if isinstance(element, Call) and element.inline:
                self.make_callees(element.graph)
            elif isinstance(element, Call) and element.owner is None and element.graph not in self.made:
                place = self.origins[element.graph].place or element.graph
                alike = self.calls[place]
                if place in self.open:  # a block that calls itself: each level before the one that calls it
                    self.make_callees(element.graph)
                    self.make([element])
                    continue
                self.open.add(place)
                for call in alike:
                    self.make_callees(call.graph)
                self.open.remove(place)
                self.make([call for call in alike if call.graph not in self.made])

    def make(self, calls: list[Call]) -> None:
        """Make the modules of the graphs that come from a block or label."""
        variants: dict[object, Variant] = {}
        keys: dict[Graph, object] = {}
        for call in calls:
            graph = call.graph
            if (chain := self.sequential(graph)) is not None:
                self.made[graph] = chain
                continue
            body = self.body(graph)
            self.lent[graph] = tuple(body.shared)
            word = graph.instance.block if graph.instance is not None else call.label or call.stem
            items = [(i.attribute, i.module and written(i.module), i.step, i.reads, i.flat, i.owner, i.lent, i.kinds) for i in body.items]
            key = keys[graph] = (
                word,
                graph.instance is None,
                body.given,
                tuple(items),
                body.results,
                body.fields,
                *body.picks.items(),
            )
            if key not in self.found:
                variants.setdefault(key, Variant(key, word, body, [])).origins.append(self.origins[graph])
        about = "Block `{}`." if calls[0].graph.instance is not None else "`{}`."
        made: dict[object, Class] = {}
        for group, draft in self.grouped(list(variants.values()), about):
            class_ = draft._replace(name=self.name(draft.name))
            made |= {variant.key: class_ for variant in group}
            if len(group) == 1:
                self.found[group[0].key] = class_
        self.made.update((graph, made.get(key) or self.found[key]) for graph, key in keys.items())

    def grouped(self, variants: list[Variant], about: str) -> list[tuple[list[Variant], Class]]:
        """The classes of a block or label, without names yet: one with conditions for all variants, or for some, where that is shorter."""
        groups: list[tuple[list[Variant], Class]] = [([variant], self.draft(variant, about)) for variant in variants]
        if 1 < len(variants) <= MOST:
            whole = self.one_class(groups, about)
            if whole is not None:
                return [whole]
            apart, groups = groups, []
            for single in apart:
                found = ((at, self.one_class([group, single], about)) for at, group in enumerate(groups))
                at, one = next(((at, one) for at, one in found if one is not None), (len(groups), single))
                groups[at : at + 1] = [one]
        return groups

    def one_class(self, groups: list[tuple[list[Variant], Class]], about: str) -> tuple[list[Variant], Class] | None:
        """A class with conditions for the variants of several, where that is shorter than these."""
        variants = [variant for group, _ in groups for variant in group]
        body = merged(variants, self.dialect)
        one = self.draft(variants[0]._replace(body=body), about) if body is not None else None
        return (variants, one) if one is not None and self.lines(one) < sum(self.lines(class_) for _, class_ in groups) else None

    def draft(self, variant: Variant, about: str) -> Class:
        """Make a class whose only name so far is its word."""
        read = {name for item in variant.body.items if item.owner is None for name in parameters(item.numbers)}
        ordered = sorted(read, key=lambda name: (self.order[name], name))
        return Class(variant.word, about.format(variant.word), variant.body, {name: [] for name in ordered})

    def name(self, word: str) -> str:
        """A class name of a block's or label's, not yet taken."""
        base = self.dialect.called(word)
        name, count = base, 1
        while not self.taken.isdisjoint((name, f"{name}Outputs")) or keyword.iskeyword(name) or self.dialect.helper(name) is not None:
            count += 1
            name = f"{base}{count}"
        self.taken |= {name, f"{name}Outputs"}
        return name

    def module(self, call: Call) -> Made:
        """A call as a module: a chain, or a class with the arguments that it takes of the block, or of the block around it."""
        made = self.made[call.graph]
        if isinstance(made, Made):
            return made
        given, arguments = dict(call.arguments), []
        known = {} if given else {leaf.name: leaf.value for item in made.body.items for leaf in leaves(item.numbers)}
        for name, values in made.parameters.items():
            value = given.get(name, Spelled.leaf(known.get(name, 0), name))
            value = tuple(value) if isinstance(value, tuple) else value
            values.append(tuple(map(value_of, value)) if isinstance(value, tuple) else value_of(value))
            arguments.append((name if len(made.parameters) > 3 else "", short(value)))
        return Made(New(made.name, tuple(arguments)), shared=self.lent[call.graph], texts=made.body.texts)

    def sequential(self, graph: Graph) -> Made | None:
        """A chain of the framework, where a group is a plain chain whose names are its positions."""
        if graph.naming != "index" or graph.instance is not None:
            return None
        chain = Chain(self.dialect)
        if not self.extend(chain, graph):
            return None
        return Made(New(self.dialect.chain, tuple(("", module) for module in chain.modules)), chain.flat)

    def extend(self, chain: Chain, graph: Graph) -> bool:
        """Append the modules of a graph to a chain; False where that cannot be."""
        in_a_row = all(element.inputs == (at,) for at, element in enumerate(graph.elements))
        plain = len(graph.inputs) == 1 and graph.results == (len(graph.elements),) and in_a_row and not graph.picks
        return plain and all(self.append_to(chain, element, graph) for _, element in graph.layered)

    def append_to(self, chain: Chain, element: Layered, graph: Graph) -> bool:
        """Append an element's modules to a chain; False where that cannot be."""
        if isinstance(element, Node) and element.implied and element.stem == "flatten":
            return chain.flatten()
        if not chain.reaches(element) or element.owner is not None or self.dialect.holds_tensor(element.stem):
            return False
        if isinstance(element, Node):
            chain.append(self.node(element, graph)._replace(span=element.span), pointwise=element.stem in self.dialect.pointwise)
            return True
        if element.inline:
            return all(self.extend(chain, element.graph) for _ in range(element.times))
        made = self.module(element)
        several = made.shared or made.texts or not all(self.taken_by(element.graph))
        if several or (made.flat and not (element.times == 1 and chain.flatten())):
            return False
        module = Many(made.module, element.times) if element.times > 1 else made.module
        chain.append(module._replace(span=element.span), positions=element.times)
        return True

    def node(self, node: Node, graph: Graph) -> New:
        """Make the constructor call of a layer. Raises Unsupported, with the place of the layer, where the framework lacks it."""
        try:
            return self.dialect.layer(node.op, (*graph.types_of(node), node.type), self.overwrites(node, graph))
        except Unsupported as unsupported:
            unsupported.span = node.span
            raise

    def overwrites(self, node: Node, graph: Graph) -> bool:
        """Whether a layer may overwrite its input: nothing else reads that, nor does the gradient of what made it."""
        value = node.inputs[0] if node.inputs else 0
        if node.stem not in self.dialect.overwriting or value < len(graph.inputs):
            return False
        maker = graph.elements[value - len(graph.inputs)]
        return isinstance(maker, Node) and maker.stem in self.dialect.independent and self.readers(graph)[value] == 1

    def readers(self, graph: Graph) -> Counter[int]:
        """How often each value of a graph is read, as a result of it too."""
        if graph not in self.read:
            outputs = [o.value for o in self.network.outputs[1:]] if graph is self.network.graph else []
            self.read[graph] = Counter([*graph.results, *outputs, *(value for element in graph.elements for value in element.inputs)])
        return self.read[graph]

    def body(self, graph: Graph) -> Body:
        """A graph as a class body."""
        items: list[Item] = []
        self.inside, self.shared, self.picks = [graph], {}, {}
        names = Names("", graph.naming)
        taken = self.taken_by(graph)
        values = [sum(taken[:at]) if read else UNREAD for at, read in enumerate(taken)]
        inputs = tuple(type_ for type_, read in zip(graph.inputs, taken, strict=True) if read)
        for at, element in enumerate(graph.elements):
            values.append(self.append(element, graph, [values[v] for v in element.inputs], names, items, len(inputs), at))
        results, fields = tuple([values[result] for result in graph.results]), result_names(graph)
        given, texts = input_names(graph, taken, self.dialect.reserved), tuple([f".{field}" for field in fields])
        body = Body(inputs, given, tuple(items), results, tuple(values), self.shared, fields, texts, picks=self.picks)
        return as_loop(body) if self.dialect.loops else body

    def taken_by(self, graph: Graph) -> tuple[bool, ...]:
        """Find the inputs of a graph that its class takes; the network takes all of its own."""
        return (True,) * len(graph.inputs) if graph is self.network.graph else self.uses.of(graph).takes

    def append(
        self, element: Layered | Further, graph: Graph, reads: list[int], names: Names, items: list[Item], count: int, top: int
    ) -> int:
        """Append an element, all its rounds; returns the number of its value."""
        if isinstance(element, Further):
            return self.given[id(graph.elements[element.of - len(graph.inputs)])][element.round][element.result]
        given = self.appended(element, graph, reads, names, items, count, top)
        if graph.picks:
            self.given[id(element)] = given
        return given[-1][0]

    def appended(
        self, element: Layered, graph: Graph, reads: list[int], names: Names, items: list[Item], count: int, top: int
    ) -> list[list[int]]:
        """Append an element; returns the numbers of the results of each of its rounds."""
        if isinstance(element, Node):
            items.append(self.layer(element, graph, reads, names, top))
            axes = [len(type_.shape) for type_ in element.types] if element.further else []
            return [self.several(count + len(items) - 1, [Pick(0, f"[{at}]", axes=rank) for at, rank in enumerate(axes)])]
        called = self.called_by(element)
        made = None if element.inline else self.module(called)
        results: list[list[int]] = []
        for round_ in range(element.times):
            if made is None:
                values = [*reads]
                self.inside.append(element.graph)
                for sub in element.graph.elements:
                    values.append(self.append(sub, element.graph, [values[v] for v in sub.inputs], names, items, count, top))
                self.inside.pop()
                results.append([values[result] for result in element.graph.results])
            else:
                name, owner = names(element), self.owner(element, round_)
                self.names.setdefault(id(element), {})[round_] = name
                taken = self.taken_by(called.graph)
                given = tuple(value for value, read in zip(reads, taken, strict=True) if read)
                kinds = tuple(type_ for type_, read in zip(graph.types_of(element), taken, strict=True) if read)
                lent = tuple([self.lender(seen_from(element.owner, shared)) for shared in made.shared])
                item = Item(name, made.module, "", element.label, given, kinds, element.type, element.span, top, made.flat, owner, lent)
                items.append(item)
                results.append(self.several(count + len(items) - 1, picks_of(element.graph, called.graph, made.texts)))
            reads[0] = results[-1][0]
        return results

    def layer(self, node: Node, graph: Graph, reads: list[int], names: Names, top: int) -> Item:
        """The item of a layer."""
        module = None if node.op.variadic and len(reads) > 1 else self.node(node, graph)
        types, owner, name = graph.types_of(node), self.owner(node, 0), names(node)
        self.names[id(node)] = {0: name}
        if node.owner is not None and not node.owner.tied:
            check_alike(node, graph, *self.lent_by(node.owner), self.node)
        lent = (self.lender(Shared(node.owner, 0, False)),) if node.owner is not None and node.owner.tied and self.dialect.ties else ()
        item = Item(name, module, step_of(node.op), node.label, tuple(reads), types, node.type, node.span, top, owner=owner, lent=lent)
        return item._replace(stored=node.op.weights()[0].shape if node.op.origin else ())

    def several(self, value: int, picks: list[Pick]) -> list[int]:
        """The numbers of the results that are picked of an item; the item's own where it has one."""
        lowest = UNREAD - 1 - len(self.picks)
        self.picks |= {lowest - at: pick._replace(value=value) for at, pick in enumerate(picks)}
        return [lowest - at for at in range(len(picks))] or [value]

    def called_by(self, call: Call) -> Call:
        """The call whose module an element calls: itself, or that whose weights it uses."""
        if call.owner is None:
            return call
        lender, graph = self.lent_by(call.owner)
        assert isinstance(lender, Call), "a call uses the weights of a call"
        check_alike(call, self.inside[-1], lender, graph, self.node)
        self.resized |= {lender.graph} if self.inside[-1].types_of(call) != graph.types_of(lender) else set()
        return lender

    def lent_by(self, owner: Owner) -> tuple[Layered, Graph]:
        """The element that an element of the innermost open graph uses the weights of, and the graph that it is in."""
        graphs = [*self.inside]
        while len(graphs) <= owner.up:
            graphs.insert(0, self.around[graphs[0]])
        return lent_by(owner, graphs)

    def owner(self, element: Layered, round_: int) -> Reach | None:
        """The module or tensor whose weights a round of an element uses, if not its own."""
        if element.owner is None or element.owner.tied:
            return None
        tensor = isinstance(element, Node) and self.dialect.holds_tensor(element.op.step)
        return self.lender(Shared(element.owner, round_, tensor))

    def lender(self, shared: Shared) -> Reach:
        """How the body that is made gets at a module or tensor: it is the body's own, or one of a class around that it is given."""
        owner, round_, tensor = shared
        beyond = owner.up - len(self.inside)
        if beyond < 0:
            element = self.inside[~owner.up].elements[owner.element]
            name = self.names[id(element)][0 if owner.inside else round_]
            return Reach(".".join([name, *inner_names(element, owner.inside, round_)]), tensor=tensor, tied=owner.tied)
        name = self.shared.setdefault(shared._replace(owner=owner._replace(up=beyond)), f"shared{len(self.shared) + 1}")
        return Reach(name, given=True, tensor=shared.tensor, tied=owner.tied)
