"""The table over all parts and hosts: to the terminal, as JSON and as markdown."""

import json
from pathlib import Path

from checker import ALWAYS_ZERO, VERDICTS

COLUMNS = ("host", "part", "casts", "calls", *VERDICTS, "seconds")
SHOWN = 12


def line(result):
    """The cells of one part of one host."""
    if "skipped" in result["notes"]:
        cells = ["-"] * (len(VERDICTS) + 2)
    elif "broken" in result:
        cells = ["-"] * (len(VERDICTS) + 1) + ["BROKEN"]
    else:
        info = result["information"]
        cells = [info["casts"], info["calls"], *(result["counts"][name] for name in VERDICTS)]
    return [result["host"], result["part"], *cells, result["seconds"]]


def table(results):
    """The table as lines of markdown, which a terminal shows well, too."""
    rows = [list(COLUMNS), *([str(cell) for cell in line(result)] for result in results)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
             for row in rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]


def failures(results):
    """What of our host is not as promised, as lines of text."""
    found = []
    for result in results:
        if result["host"] != "ours" or "skipped" in result["notes"]:
            continue
        if "broken" in result:
            found.append(f"{result['part']}: {result['broken'].splitlines()[0]}")
            continue
        found += [f"{result['part']}: {result['counts'][name]} {name}"
                  for name in ALWAYS_ZERO if result["counts"][name]]
    return found


def details(results, shown=None):
    """Findings and notes of each part, as markdown."""
    lines = []
    for result in results:
        lines += ["", f"## {result['host']}: {result['part']}", "", result["title"], ""]
        if "broken" in result:
            lines += ["```", result["broken"], "```"]
            continue
        told = [f"{name}: {value}" for name, value in
                {**result["information"], **result["notes"]}.items()]
        findings = result["details"][:shown]
        left = len(result["details"]) - len(findings)
        lines += [f"- {text}" for text in told + findings]
        lines += [f"- and {left} more"] * (left > 0)
    return lines


def write(results, seed, where):
    """Writes WHERE.json and WHERE.md (`where` with or without such an ending)."""
    base = Path(where)
    base = base.with_suffix("") if base.suffix in (".json", ".md") else base
    base.parent.mkdir(parents=True, exist_ok=True)
    short = [{k: v for k, v in r.items() if k not in ("facts", "asked", "heard")} for r in results]
    as_json = {"seed": seed, "failures": failures(results), "results": short}
    base.with_suffix(".json").write_text(json.dumps(as_json, indent=1) + "\n")
    text = [f"# Chaos run, seed {seed}", "", *table(results), *details(results, 40)]
    base.with_suffix(".md").write_text("\n".join(text) + "\n")
    return base.with_suffix(".md")


def show(results):
    """The table and, for our host, what was found."""
    print("\n" + "\n".join(table(results)))
    for result in results:
        if result["host"] == "ours" and result.get("details"):
            print(f"\nours, {result['part']}:")
            print("\n".join("  " + text for text in result["details"][:SHOWN]))
            if len(result["details"]) > SHOWN:
                print(f"  and {len(result['details']) - SHOWN} more")
