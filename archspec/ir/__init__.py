"""The intermediate representation: a hierarchy of graphs of typed ops."""

from archspec.ir.graph import Call, Graph, Input, Network, Node, Output

__all__ = ["Call", "Graph", "Input", "Network", "Node", "Output"]
