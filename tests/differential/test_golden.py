"""The golden scripts say what Prometheus says."""

import pathlib
import re

import golden_answers
import golden_script
import pytest
import remote_write
import servers

SCRIPTS = sorted((servers.ROOT / "tests" / "golden" / "promql").glob("*.test"))

# Where the scripts follow Prometheus 3.14, or this server's own limits, and 3.5 answers otherwise.
DIFFERS = [
    (r"^foo\[\]$|^foo offset( bar)?$", "3.14 names step() and range() among what it expects"),
    (r"^first_over_time\(", "experimental since 3.7"),
    (r" fill\(", "an experimental modifier that 3.5 does not know"),
    (r"^topk\(NaN,", "3.14 words the error otherwise"),
    (r"^histogram_fraction\(0\.05, 0\.15,|broken_bucket\)$", "3.5 divides infinities"),
    (r"^sort(_desc)?\(sorted( @ 0)?\)$", "3.14 warns in ranges"),
    (r"falls_bucket", "3.14 tells more; native histograms are not stored here"),
    (
        r"^histogram_quantile\(0\.5, almost_bucket\)$",
        "3.14 compares with a tolerance on either side",
    ),
]


def values_agree(want: str, got: str) -> bool:
    try:
        a, b = float(want), float(got)
    except ValueError:
        return want == got
    return a == b or (a != a and b != b) or abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def lines_agree(want: str, got: str) -> bool:
    metric_want, words_want = golden_script.split_metric(want)
    metric_got, words_got = golden_script.split_metric(got)
    a, b = golden_script.values(words_want), golden_script.values(words_got)
    same_labels = golden_script.labels(metric_want) == golden_script.labels(metric_got)
    return (
        same_labels and len(a) == len(b) and all(values_agree(str(x), str(y)) for x, y in zip(a, b))
    )


def check(item: golden_script.Eval, answer: dict) -> None:
    got = golden_answers.expectation(item, answer)
    if item.fails:
        assert answer["status"] == "error", item.query
        for line in item.expected:
            if match := re.match(r"expect fail (msg|regex): ?(.*)", line):
                message = got[0].removeprefix("expect fail msg: ")
                pattern = match.group(2) if match.group(1) == "regex" else re.escape(match.group(2))
                assert re.search(pattern, message), f"{item.query}\nwant {line}\ngot  {message}"
        return
    assert answer["status"] == "success", f"{item.query}: {answer.get('error')}"
    plain = [
        sorted(line for line in lines if not line.startswith("expect "))
        for lines in (item.expected, got)
    ]
    assert len(plain[0]) == len(plain[1]), f"{item.query}\nwant {plain[0]}\ngot  {plain[1]}"
    for want in plain[0]:
        assert any(want == line or lines_agree(want, line) for line in plain[1]), (
            f"{item.query}\nwant {want}\ngot  {plain[1]}"
        )
    for line in item.expected:
        if line.startswith(("expect warn msg", "expect info msg")):
            assert line in got, f"{item.query}\nwant {line}\ngot  {got}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: pathlib.Path) -> None:
    for section in golden_script.read(path.read_text()):
        with servers.prometheus() as server:
            if section.series:
                remote_write.write(f"{server.base}/api/v1/write", section.samples())
            for item in section.evals:
                if not any(re.search(pattern, item.query) for pattern, _ in DIFFERS):
                    check(item, golden_answers.ask(server, item)[1])
