"""Our field numbers and wire types against the descriptors that OpenTelemetry publishes."""

import re
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

ROOT = Path(__file__).resolve().parents[2]
MESSAGE = re.compile(r"^// (opentelemetry\.proto\.[\w.]+)\nnamespace \w+ \{\n(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"k(\w+) = (\w+)_tag\((\d+)\);")

WIRE_TYPES = {
    "fixed64": {
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
        FieldDescriptor.TYPE_DOUBLE,
    },
    "fixed32": {FieldDescriptor.TYPE_FIXED32},
    "bytes": {
        FieldDescriptor.TYPE_STRING,
        FieldDescriptor.TYPE_BYTES,
        FieldDescriptor.TYPE_MESSAGE,
    },
    "varint": {
        FieldDescriptor.TYPE_BOOL,
        FieldDescriptor.TYPE_ENUM,
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_SINT32,
    },
}
PACKED = {
    ("HistogramDataPoint", "bucket_counts"),
    ("HistogramDataPoint", "explicit_bounds"),
    ("Buckets", "bucket_counts"),
}


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def our_fields():
    header = (ROOT / "src/wire/otlp_fields.h").read_text()
    for message, body in MESSAGE.findall(header):
        for name, wire_type, number in FIELD.findall(body):
            yield message, snake_case(name), wire_type, int(number)


def test_there_is_something_to_check():
    assert len(list(our_fields())) > 100
    assert trace_service_pb2 and logs_service_pb2 and metrics_service_pb2


@pytest.mark.parametrize(("message", "name", "wire_type", "number"), list(our_fields()))
def test_field(message, name, wire_type, number):
    field = descriptor_pool.Default().FindMessageTypeByName(message).fields_by_name[name]
    assert field.number == number
    if (message.rsplit(".", 1)[1], name) in PACKED:
        assert wire_type == "bytes"
    else:
        assert field.type in WIRE_TYPES[wire_type]


SCHEMA_FIELD = re.compile(r'\{"(\w+)",\s*(?:otlp::)?(\w+)::k(\w+),\s*Kind::(\w+)')


def test_json_names_are_those_of_the_descriptors():
    namespaces = {}
    header = (ROOT / "src/wire/otlp_fields.h").read_text()
    for message, namespace in re.findall(
        r"^// (opentelemetry\.proto\.[\w.]+)\nnamespace (\w+) \{", header, re.M
    ):
        namespaces[namespace] = descriptor_pool.Default().FindMessageTypeByName(message)
    namespaces["exponential"] = namespaces["exponential_histogram_data_point"]
    schema = (ROOT / "src/wire/otlp_schema.cc").read_text()
    found = SCHEMA_FIELD.findall(schema)
    assert len(found) > 80
    for json_name, namespace, name, kind in found:
        field = namespaces[namespace].fields_by_name[snake_case(name)]
        assert field.json_name == json_name
        expected = {
            "kText": {FieldDescriptor.TYPE_STRING},
            "kHexId": {FieldDescriptor.TYPE_BYTES},
            "kBase64": {FieldDescriptor.TYPE_BYTES},
            "kBool": {FieldDescriptor.TYPE_BOOL},
            "kDouble": {FieldDescriptor.TYPE_DOUBLE},
            "kMessage": {FieldDescriptor.TYPE_MESSAGE},
            "kInteger": (WIRE_TYPES["varint"] | WIRE_TYPES["fixed64"] | WIRE_TYPES["fixed32"])
            - {FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_DOUBLE}
            - {
                FieldDescriptor.TYPE_INT64,
                FieldDescriptor.TYPE_SFIXED64,
                FieldDescriptor.TYPE_SINT32,
            },
            "kSigned": {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SFIXED64},
            "kUnsigned": {FieldDescriptor.TYPE_UINT64},
            "kZigzag": {FieldDescriptor.TYPE_SINT32},
        }[kind]
        assert field.type in expected, (namespace, name)
