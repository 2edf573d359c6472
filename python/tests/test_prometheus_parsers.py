"""Our parsers next to prometheus_client's: the same families, and the same refusals."""

import prometheus_client as upstream
import pytest
from prometheus_client.openmetrics import parser as upstream_openmetrics
from prometheus_client.parser import text_string_to_metric_families as upstream_text
from vedette import prometheus as ours
from vedette.prometheus.openmetrics import parser as our_openmetrics
from vedette.prometheus.parser import text_string_to_metric_families as our_text

TEXT = [
    "# TYPE a counter\n# HELP a help\na 1\n",
    "# TYPE a counter\na_total 1\n",
    "# HELP a help\na 1\n",
    "a 1\nb 2 1000\n",
    'a{x="y",z="\\"q\\\\\\n"} 1\n',
    'a { x = "y" , } 1\n',
    '{"a.b",x="1"} 3\n',
    '# TYPE "a.b" gauge\n{"a.b"} 3\n',
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\n',
    '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 2\n',
    'a{x="1",x="2"} 1\n',
    'a{x="1"\n',
    "a{x=1} 1\n",
    "a\n",
    "a NaN\nb +Inf\nc -Inf\nd 1e+06\n",
    "# comment\n#\n# x y z\n\n  \na\t1\t5\n",
    "a{} 1\n",
    "a{,} 1\n",
    "a{,,} 1\n",
    'a{x="}"} 1\n',
    'a{x="a # b"} 1\n',
    "9a 1\n",
    'a{9x="1"} 1\n',
    'a{__x="1"} 1\n',
    'a{"9 x"="1"} 1\n',
    "a 1_000\n",
    "# TYPE a gauge\n# TYPE a counter\na 1",
    "# TYPE a\n",
    "# HELP a multi  spaced \\\\ \\n x\na 1",
    "# TYPE a untyped\na 1\n",
    "# TYPE a summary\na_foo 1\n",
    'a{x="1"}1\n',
    'a{x="1"} \n',
    '# TYPE a counter\na_total{x="y"} 1\nb 1\na_total 3\n',
]

OPENMETRICS = [
    "# EOF\n",
    "# TYPE a counter\n# HELP a help\na_total 1\n# EOF\n",
    "# TYPE a counter\na 1\n# EOF\n",
    "a 1\n",
    '# TYPE a counter\na_total 1 # {x="y"} 2 3.5\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="1.0"} 0 # {t="u"} 0.5\na_bucket{le="+Inf"} 2\na_count 2\na_sum 3\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="+Inf"} 2\na_count 3\na_sum 3\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="1"} 2\n# EOF\n',
    "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
    "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1 1234.5\n# EOF\n",
    '# TYPE a info\na_info{x="y"} 1\n# EOF\n',
    '# TYPE a info\na_info{x="y"} 2\n# EOF\n',
    '# TYPE a stateset\na{a="x"} 1\na{a="y"} 0\n# EOF\n',
    '# TYPE a stateset\na{b="x"} 1\n# EOF\n',
    '# TYPE a summary\na{quantile="0.5"} 1\na_count 1\na_sum 2\n# EOF\n',
    '# TYPE a summary\na{quantile="1.5"} 1\n# EOF\n',
    "a 1 1\na 2 2\n# EOF\n",
    "a 1 2\na 2 1\n# EOF\n",
    'a{x="1"} 1\na{x="2"} 1\na{x="1"} 3\n# EOF\n',
    "a 1 \n# EOF\n",
    " a 1\n# EOF\n",
    "a  1\n# EOF\n",
    'a{x="1",} 1\n# EOF\n',
    'a{,x="1"} 1\n# EOF\n',
    'a{x="1"}  1\n# EOF\n',
    "# TYPE a counter\na_total NaN\n# EOF\n",
    "# TYPE a counter\na_total -1\n# EOF\n",
    "# TYPE a untyped\na 1\n# EOF\n",
    "# HELP a x\n# HELP a y\na 1\n# EOF\n",
    "a 1\n# HELP a x\n# EOF\n",
    "\na 1\n# EOF\n",
    "# EOF\na 1\n",
    '# TYPE "a.b" gauge\n{"a.b",x="1"} 1\n# EOF\n',
    "# TYPE a histogram\na {count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2,1:2],positive_deltas:[2,1,-3,3]}\n# EOF\n",
    '# TYPE a histogram\na{x="y"} {count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,negative_spans:[0:2,1:2],negative_deltas:[2,1,-3,3],positive_spans:[0:2,1:2],positive_deltas:[2,1,-3,3]}\n# EOF\n',
    '# TYPE a gaugehistogram\na_bucket{le="+Inf"} 2\na_gcount 2\na_gsum -3\n# EOF\n',
    '# TYPE a gaugehistogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 2\na_gcount 2\na_gsum 3\n# EOF\n',
    "# TYPE a counter\n# TYPE a_total gauge\na_total 1\n# EOF\n",
    '# TYPE a counter\na_total 1 # {x="LONG"} 2\n# EOF\n',
    '# TYPE a gauge\na 1 # {x="y"} 2\n# EOF\n',
    "a 1e3 1e3\n# EOF\n",
    "a 1 1_0\n# EOF\n",
    "a 1_0\n# EOF\n",
    'a{x="\\n\\"\\\\"} 1\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="Inf"} 2\n# EOF\n',
    "# TYPE a counter\na_total 1\na_created 12.5\n# EOF\n",
    'a{x="1"} 1 # {y="2"} 3\n# EOF\n',
    '# TYPE a counter\na_total{x="} # {"} 1 5 # {y="} 2"} 3 4\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="2"} 1\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 3\n# EOF\n',
    '# TYPE a histogram\na_bucket{le="-1"} 1\na_bucket{le="+Inf"} 3\na_count 3\na_sum 2\n# EOF\n',
    "a 1\n# TYPE\n# EOF\n",
    "# HELP a\n# EOF\n",
    "# HELP a \n# EOF\n",
    "# FOO a b\n# EOF\n",
    "# TYPE a counter\na_total 1 1 # {} 3\n# EOF\n",
    '# TYPE a info\na_info{x="y"} 1\na_info{x="z"} 1\n# EOF\n',
    "# TYPE a unknown\na 1\n# EOF\n",
    "# TYPE a bogus\na 1\n# EOF\n",
]


def read(parse, text):
    try:
        return repr(
            [
                (f.name, f.documentation, f.type, f.unit, [tuple(sample) for sample in f.samples])
                for f in parse(text)
            ]
        )
    except ValueError:
        return "refused"


@pytest.mark.parametrize("text", TEXT, ids=range(len(TEXT)))
def test_text(text):
    assert read(our_text, text) == read(upstream_text, text)


@pytest.mark.parametrize("text", OPENMETRICS, ids=range(len(OPENMETRICS)))
def test_openmetrics(text):
    text = text.replace("LONG", "y" * 130)
    expected = read(upstream_openmetrics.text_string_to_metric_families, text)
    assert read(our_openmetrics.text_string_to_metric_families, text) == expected


def test_what_we_write_is_what_we_read():
    registry = ours.CollectorRegistry()
    ours.Counter("c", "C", ["x"], registry=registry).labels('"\\\n').inc()
    ours.Histogram("h", "H", registry=registry, unit="seconds").observe(0.3)
    ours.Gauge("g.dotted", "G", ["la bel"], registry=registry).labels("v").set(float("inf"))
    ours.Enum("e", "E", registry=registry, states=["a", "b"]).state("b")
    ours.Info("i", "I", registry=registry).info({"version": "1"})
    text = ours.exposition.openmetrics.generate_latest(registry, "allow-utf-8").decode()
    families = list(our_openmetrics.text_string_to_metric_families(text))
    assert families == list(registry.collect())
    assert len(list(upstream_openmetrics.text_string_to_metric_families(text))) == len(families)
    assert upstream.CONTENT_TYPE_LATEST == ours.CONTENT_TYPE_LATEST
