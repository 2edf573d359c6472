"""Remote write 1.0 requests, made by hand: protobuf and snappy without their libraries."""

import struct
import urllib.request


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def time_series(labels: dict[str, str], samples: list[tuple[int, float]]) -> bytes:
    """A TimeSeries message; samples are (milliseconds, value)."""
    out = b"".join(
        field(1, field(1, name.encode()) + field(2, value.encode()))
        for name, value in sorted(labels.items())
    )
    for time_ms, value in samples:
        bits = struct.pack("<d", value) if isinstance(value, float) else struct.pack("<Q", value)
        out += field(2, b"\x09" + bits + b"\x10" + varint(time_ms))
    return field(1, out)


def snappy(data: bytes) -> bytes:
    """Snappy's block format, with literals only."""
    out = bytearray(varint(len(data)))
    for start in range(0, len(data), 65536):
        chunk = data[start : start + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(out)


STALE = 0x7FF0000000000002  # as bits: time_series() takes integers for them


def write(url: str, series: list[tuple[dict[str, str], list[tuple[int, float]]]]) -> None:
    """Sends the series to a remote-write endpoint; raises where it does not take them."""
    body = b"".join(time_series(labels, samples) for labels, samples in series)
    request = urllib.request.Request(
        url,
        data=snappy(body),
        headers={
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        response.read()
