"""Names that no view may take for markup, a format or a command."""

from __future__ import annotations

from archspec.ir.graph import Network

HOSTILE = {
    "script": "</script><script>alert(1)</script><!-- ]]> &amp; &#0;",
    "quotes": '"\'`\\" onload="alert(1)',
    "backslashes": r"\N \G \l \\ \"; a -> b [label=x]; \ ",
    "percent": "%s %n %(x)s _{}^ $x$ #{}; ${x} {{y}} __import__",
    "control": "a\x00\x01\x1b[31m\x7f\x85\r\n\tb\ufffe\uffff\ud800",
    "right to left": "abc\u202etxt.gvs\u2066\u200f\u061c",
    "long": "x" * 10_000,
    "wide": "図" * 300,
    "mermaid": 'end" --> n1; click n0 href "javascript:alert(1)" %% subgraph',
}


def hostile(payload: str, network: Network) -> Network:
    """The network with a payload in all its texts: its name, its title, its labels, its inputs and outputs."""
    network.name = payload
    network.meta = {"title": payload, "source": payload}
    for graph in network.graphs():
        elements = [e._replace(label=f"{payload}{at}") if at % 2 else e for at, e in enumerate(graph.elements)]
        graph.elements = tuple(elements)
    network.inputs = tuple(i._replace(name=payload) for i in network.inputs)
    network.outputs = tuple(o._replace(name=payload) for o in network.outputs)
    return network
