"""Markdown of what run.py, latency.py and system.py measured."""
import json


def publish(document, text, options):
    """Prints the text; writes both where --json and --markdown say."""
    print(text)
    for path, content in ((options.json, json.dumps(document, indent=1)), (options.markdown, text)):
        if path:
            with open(path, "w") as file:
                file.write(content + "\n")


def table(header, rows, right):
    """right: one character a column, `>` for figures."""
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("--:" if c == ">" else "---" for c in right) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def machine_line(machine):
    busy = f"load average {machine['load_average']} at the start"
    if "load_average_at_end" in machine:
        busy += f", {machine['load_average_at_end']} at the end"
    return (f"{machine['processor']}, {machine['cores']} cores ({', '.join(machine['instruction_sets'])}), "
            f"{machine['memory_gib']} GiB; {busy}.")


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def spread(measured):
    return f"{seconds(measured['least'])}–{seconds(measured['most'])}"


def megabytes(count):
    return f"{count / 1e6:.1f}"


def usual_peer(rows, kind):
    """The row that ratios are made with: the method that people use for this kind."""
    usual = {"int8": "ONNX Runtime dynamic int8 per channel", "int4": "ONNX Runtime MatMulNBits 4-bit",
             "fp16": "onnxconverter-common fp16"}
    return next((r for r in rows if r["method"] == usual.get(kind) and "fails" not in r), None)


def run_rows(rows, input_bytes):
    out = []
    for row in rows:
        if "fails" in row:
            out.append([row["method"], "fails: " + row["fails"], "", "", "", f"{row['peak_mib']:.0f}", f"{row['own_mib']:.0f}",
                        "", ""])
            continue
        call = row["call_s"]
        peer = usual_peer(rows, row["kind"]) if row["group"] == "vetquant" else None
        out.append([row["method"], megabytes(row["output_bytes"]), f"{seconds(call['median'])} ({spread(call)})",
                    seconds(row["cpu_s"]["median"]), f"{input_bytes / 1e6 / call['median']:.0f}", f"{row['peak_mib']:.0f}",
                    f"{row['own_mib']:.0f}", f"{row['to_floor']:.2f}x" if "to_floor" in row else "",
                    f"{peer['call_s']['median'] / call['median']:.1f}x" if peer else ""])
    return out


HEADER = ["method", "output MB", "seconds (least–most)", "CPU s", "input MB/s", "peak MiB", "own MiB", "to the floor",
          "faster than the peer"]


def run_markdown(document):
    parts = [machine_line(document["machine"]),
             f"vetquant with {document['threads']} threads; {document['seconds']} s for everything."]
    for entry in document["models"]:
        counts = sorted({r["runs"] for r in entry["rows"]})
        runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        parts.append(f"### {entry['model']} ({megabytes(entry['input_bytes'])} MB), warm page cache, {runs} runs")
        parts.append(table(HEADER, run_rows(entry["rows"], entry["input_bytes"]), "->>>>>>>>"))
        floors = [r["floor_s"]["median"] for r in entry["rows"] if "floor_s" in r]
        if floors:
            told = ", ".join(f"{r['method'].split()[-1]} {seconds(r['floor_s']['median'])} s ({spread(r['floor_s'])})"
                             for r in entry["rows"] if "floor_s" in r)
            parts.append(f"Floor (cat of the input, cp and sync of the output's bytes): {told}.")
        if "cold_rows" in entry:
            parts.append("Cold page cache (input emptied from it before every run):")
            parts.append(table(HEADER, run_rows(entry["cold_rows"], entry["input_bytes"]), "->>>>>>>>"))
        if "planning" in entry:
            told = ", ".join(f"{name} " + (f"fails: {p['fails']}" if "fails" in p else f"{seconds(p['median'])} s, "
                                           f"{p['peak_mib']:.0f} MiB") for name, p in entry["planning"].items())
            parts.append(f"Planning: {told}.")
    return "\n\n".join(parts)


def latency_markdown(document):
    parts = [machine_line(document["machine"]), f"ONNX Runtime {document['onnxruntime']}; {document['seconds']} s for everything."]
    for entry in document["models"]:
        for threads in document["threads"]:
            rows = [r for r in entry["rows"] if r["threads"] == threads]
            if not rows:
                continue
            labels = list(next((r["ms"] for r in rows if "ms" in r), {}))
            plain = next((r for r in rows if r["variant"] == "float" and "ms" in r), None)
            out = []
            for row in rows:
                if "fails" in row:
                    out.append([row["variant"], "fails: " + row["fails"]] + [""] * (len(labels) + 2))
                    continue
                cells = []
                for label in labels:
                    m = row["ms"][label]
                    faster = f", {plain['ms'][label]['median'] / m['median']:.2f}x" if plain and plain is not row else ""
                    cells.append(f"{m['median']:.2f} ({m['low']:.2f}–{m['high']:.2f}){faster}")
                out.append([row["variant"], megabytes(row["file_bytes"]), *cells, f"{row['loaded_mib']:.0f}", f"{row['peak_mib']:.0f}"])
            parts.append(f"### {entry['model']}, {threads} thread{'s' if threads > 1 else ''}: ms (95 % interval of the median), "
                         "times as fast as float")
            parts.append(table(["variant", "MB", *labels, "loaded MiB", "peak MiB"], out, "-" + ">" * (len(labels) + 3)))
    return "\n\n".join(parts)
