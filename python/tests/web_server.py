"""An HTTP server that answers with the status the path names."""

from __future__ import annotations

import http.server
import threading

import pytest


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.headers_seen.append({k.lower(): v for k, v in self.headers.items()})
        status = int(self.path.partition("?")[0].strip("/") or 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_SPOON = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """`headers_seen`: of each request, with lower-case names."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.headers_seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(server, path=""):
    return f"http://127.0.0.1:{server.server_port}/{path}"


def traceparent(context):
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
