"""Answers of Prometheus to the evaluations of a golden script, in the script's own terms.

python3 tests/differential/golden_answers.py FILE…    fills in what evaluations without expectations answer
"""

import json
import pathlib
import re
import sys

import golden_script
import remote_write
import servers


def series_text(metric: dict[str, str]) -> str:
    name = metric.get("__name__", "")
    legacy = re.fullmatch(r"[a-zA-Z_:][\w:]*", name)
    pairs = [json.dumps(name, ensure_ascii=False)] if name and not legacy else []
    for key, value in sorted(metric.items()):
        if key != "__name__":
            shown = (
                key if re.fullmatch(r"[a-zA-Z_]\w*", key) else json.dumps(key, ensure_ascii=False)
            )
            pairs.append(f"{shown}={json.dumps(value, ensure_ascii=False)}")
    braces = "{" + ", ".join(pairs) + "}" if pairs or not name else ""
    return (name if legacy else "") + braces


def number(text: str) -> str:
    return text.removeprefix("+") if text == "+Inf" else text


def ask(server: servers.Server, item: golden_script.Eval):
    if item.range:
        start, end, step = (t / 1000 for t in item.range)
        return server.ask("query_range", query=item.query, start=start, end=end, step=step)
    return server.ask("query", query=item.query, time=item.instant / 1000)


def expectation(item: golden_script.Eval, answer: dict) -> list[str]:
    """The lines that describe the answer."""
    if answer["status"] == "error":
        message = answer["error"].removeprefix('invalid parameter "query": ')
        return [f"expect fail msg: {message}"]
    lines = []
    for kind, key in (("warn", "warnings"), ("info", "infos")):
        lines += [f"expect {kind} msg: {text}" for text in answer.get(key, [])]
    data = answer["data"]
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [*lines, number(result[1])]
    if kind == "string":
        return [*lines, f"expect string {json.dumps(result[1], ensure_ascii=False)}"]
    if (
        re.match(r"\(*(sort|sort_desc|topk|bottomk)\b", item.query)
        and item.instant is not None
        and len(result) > 1
    ):
        lines.append("expect ordered")
    elif kind == "vector":
        result = sorted(result, key=lambda s: series_text(s["metric"]))
    if kind == "vector":
        return [*lines, *(f"{series_text(s['metric'])} {number(s['value'][1])}" for s in result)]
    times = [p[0] for s in result for p in s["values"]]
    if not times:
        return lines
    if item.range:
        start, end, step = item.range
    else:  # a range vector: on the raster of its samples
        ms = sorted({round(t * 1000) for t in times})
        step = min((b - a for a, b in zip(ms, ms[1:])), default=1000)
        start, end = ms[0], ms[-1]
        lines.append(
            f"expect range vector from {start / 1000:g} to {end / 1000:g} step {step / 1000:g}"
        )
    for s in result:
        at = {round(t * 1000): number(v) for t, v in s["values"]}
        words = [at.get(t, "_") for t in range(start, end + 1, step)]
        while words[-1] == "_":
            words.pop()
        lines.append(f"{series_text(s['metric'])} {' '.join(words)}")
    return lines


def fill(path: pathlib.Path) -> None:
    text = path.read_text()
    lines = text.splitlines()
    answers = {}
    for section in golden_script.read(text):
        with servers.prometheus() as server:
            if section.series:
                remote_write.write(f"{server.base}/api/v1/write", section.samples())
            for item in section.evals:
                if not item.expected:
                    answers[item.line] = expectation(item, ask(server, item)[1])
    out = []
    for i, line in enumerate(lines, 1):
        out.append(line)
        out += [f"  {expected}" for expected in answers.get(i, [])]
    path.write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        fill(pathlib.Path(name))
