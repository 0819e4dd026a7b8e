"""The tables, in Markdown, from stored results. Nothing is measured here."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.peers.corners import CORNERS
from tests.benchmarks.peers.mistakes import MISTAKES
from tests.benchmarks.peers.rules import TEXT, verdict
from tests.benchmarks.peers.tools import TOOLS
from tests.benchmarks.peers.truth import NETWORKS, TIMED

Results = dict[str, Any]
NAMES = {"torch": "torch alone", "torch meta": "torch alone, meta", "ptflops aten": "ptflops, aten", "ptflops pytorch": "ptflops, pytorch"}
MARKS = {"exact": "=", "rule": "+", "says": "?", "wrong": "−", "error": "fails", "none": ""}
"""`docs/peers.md` says what they mean."""
TOLD = ("layer", "line", "numbers", "way")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def name_of(tool: str) -> str:
    return NAMES.get(tool, tool)


def timed_tools(results: Results) -> list[str]:
    return [tool for tool in TOOLS if any(tool in row for row in results["whole"].values())]


# time and memory


def milliseconds(cell: dict[str, Any] | None) -> float | None:
    return statistics.median(cell["ms"]) if cell and "ms" in cell else None


def beside(value: float | None, ours: float | None, digits: int = 0) -> str:
    """A number and how often it holds ours."""
    if value is None:
        return "-"
    shown = f"{value:,.{digits}f}"
    return shown if ours is None or value == ours else f"{shown} ({times(value / ours)})"


def times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 9.95 else f"{ratio:.1f}x" if ratio >= 0.95 else f"{ratio:.2f}x"


def by_network(results: Results, cell: Callable[[str, str], str], tools: Sequence[str]) -> str:
    head = ["", *(NETWORKS[name][0] for name in TIMED)]
    return table(head, [[name_of(tool), *(cell(tool, name) for name in TIMED)] for tool in tools])


def whole(results: Results) -> str:
    found = results["whole"]

    def cell(tool: str, name: str) -> str:
        return beside(milliseconds(found[name].get(tool)), milliseconds(found[name]["archspec"]))

    bare = statistics.median(ms for row in found.values() for ms in row["python"]["ms"])
    return f"{by_network(results, cell, timed_tools(results))}\n\nMilliseconds; `python -c pass` takes {bare:.0f}."


def memory(results: Results) -> str:
    found = results["whole"]

    def cell(tool: str, name: str) -> str:
        peak = found[name].get(tool, {}).get("mb")
        return beside(peak, found[name]["archspec"]["mb"])

    bare = statistics.median(row["python"]["mb"] for row in found.values())
    return f"{by_network(results, cell, timed_tools(results))}\n\nMegabytes; `python -c pass` holds {bare:.0f}."


def inside(results: Results, tool: str, name: str, where: str = "counts") -> str:
    """Building and counting, and their sum in relation to ours."""
    cell, ours = results[where].get(tool, {}).get(name), results["counts"]["archspec"][name]
    if cell is None:
        return "-"
    if "error" in cell:
        return "fails"
    build, count = cell["build"], cell["count"]
    digits = 0 if build + count >= 100 else 1
    shown = f"{build:,.{digits}f} + {count:,.{digits}f}"
    return shown if tool == "archspec" else f"{shown} ({times((build + count) / (ours['build'] + ours['count']))})"


def process(results: Results) -> str:
    return by_network(results, lambda tool, name: inside(results, tool, name), timed_tools(results))


def meta(results: Results) -> str:
    def cell(tool: str, name: str) -> str:
        return inside(results, tool, name, "counts" if tool == "archspec" else "meta")

    return by_network(results, cell, ["archspec", *results["meta"]])


def one_network(results: Results, name: str = "resnet50") -> str:
    rows = []
    for tool in timed_tools(results):
        cell, ours = results["whole"][name].get(tool, {}), results["whole"][name]["archspec"]
        rows.append(
            [
                name_of(tool),
                beside(milliseconds(cell), milliseconds(ours)),
                inside(results, tool, name),
                inside(results, tool, name, "meta"),
                beside(cell.get("mb"), ours["mb"]),
            ]
        )
    return table([NETWORKS[name][0], "whole process, ms", "in process, ms", "the same on meta", "peak MB"], rows)


# parameters and MACs


def title_of(case: str) -> str:
    return NETWORKS[case][0] if case in NETWORKS else CORNERS[case].title


def verdicts(results: Results, what: str) -> dict[str, dict[str, tuple[str, int | None]]]:
    """{case: {tool: (verdict, number)}}"""
    counts, truth = results["counts"], results["truth"]
    return {case: {tool: verdict(tool, truth[case], counts[tool].get(case), what) for tool in TOOLS} for case in truth}


def numbers(results: Results, what: str) -> str:
    """All numbers, each with its mark; one that is exact is the truth's own."""
    rows = []
    for case, cells in verdicts(results, what).items():
        shown = {
            tool: MARKS[state] if number is None or state == "exact" else f"{number:,} {MARKS[state]}"
            for tool, (state, number) in cells.items()
        }
        rows.append([title_of(case), f"{results['truth'][case][what]:,}", *shown.values()])
    return table(["", "truth", *map(name_of, TOOLS)], rows)


def params(results: Results) -> str:
    return numbers(results, "params")


def macs(results: Results) -> str:
    return numbers(results, "macs")


def counted(results: Results) -> str:
    """How many of the cases each tool has right."""
    rows = []
    for tool in TOOLS:
        row = [name_of(tool)]
        for what in ("params", "macs"):
            states = [cells[tool][0] for cells in verdicts(results, what).values()]
            row += (
                [str(states.count(state)) for state in ("exact", "rule", "says", "wrong", "error")]
                if any(s != "none" for s in states)
                else ["-"] * 5
            )
        rows.append(row)
    head = [f"{what}: {state}" for what in ("parameters", "MACs") for state in ("=", "+", "?", "−", "fails")]
    return table(["", *head], rows)


def corners(results: Results) -> str:
    """Parameters and MACs in one mark, the worse of the two, for the cases that some tool has wrong or archspec lacks."""
    order = ("none", "exact", "rule", "says", "error", "wrong")
    of_params, of_macs = verdicts(results, "params"), verdicts(results, "macs")
    rows = []
    for case in results["truth"]:
        worst = {tool: max(of_params[case][tool][0], of_macs[case][tool][0], key=order.index) for tool in TOOLS}
        if worst["archspec"] == "none" or any(state in ("says", "wrong", "error") for state in worst.values()):
            rows.append([title_of(case), *(MARKS[state] for state in worst.values())])
    return table(["", *map(name_of, TOOLS)], rows)


def rules(results: Results) -> str:
    return "\n".join(f"- **{tool}**: {text}" for tool, text in TEXT.items())


# mistakes


def groups(row: dict[str, dict[str, Any] | None]) -> dict[str, list[str]]:
    """Tools that say the same."""
    found: dict[str, list[str]] = {}
    for tool, cell in row.items():
        found.setdefault(repr(cell), []).append(tool)
    return found


def told(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "cannot be written"
    if cell["message"] is None:
        return "nothing"
    return ", ".join("way out" if what == "way" else what for what in TOLD if cell[what]) or "none of it"


def mistakes(results: Results) -> str:
    parts = []
    for name, row in results["mistakes"].items():
        rows = []
        for tools in groups(row).values():
            cell = row[tools[0]]
            message = (
                "" if cell is None or cell["message"] is None else "`" + cell["message"][:150].replace("|", "\\|").replace("`", "'") + "`"
            )
            rows.append([", ".join(map(name_of, tools)), message, told(cell)])
        lines = [["", "message", "tells"], ["---"] * 3, *rows]
        parts.append(f"**{MISTAKES[name].title}**\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(parts)


def messages(results: Results) -> str:
    """What is told, a column for each tool; what only wraps a message of torch counts as torch."""
    shown = ("archspec", "torch", "onnx-tool", "Keras")
    rows = [[MISTAKES[name].title, *(told(row[tool]) for tool in shown)] for name, row in results["mistakes"].items()]
    lines = [["", "archspec", "torch, and tools on it", "onnx-tool", "Keras"], ["---"] * 5, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(results: Results) -> str:
    found, versions = results["machine"], results["versions"]
    size = f", {found['memory_gb']} GB" if found["memory_gb"] else ""
    packages = ", ".join(f"{package} {version}" for package, version in versions.items() if package not in ("archspec-nn", "python"))
    return f"{found['processor']}, {found['cores']} cores{size}, {found['system']}; Python {versions['python']}; {packages}."


PARTS: dict[str, Callable[[Results], str]] = {
    "machine": machine,
    "whole": whole,
    "process": process,
    "meta": meta,
    "memory": memory,
    "one": one_network,
    "counted": counted,
    "params": params,
    "macs": macs,
    "rules": rules,
    "corners": corners,
    "mistakes": mistakes,
    "messages": messages,
}
LONG = ("machine", "whole", "process", "meta", "memory", "params", "macs", "rules", "mistakes")
"""What is printed without `--only`."""
