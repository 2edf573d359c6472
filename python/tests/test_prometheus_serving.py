"""Metrics over HTTP, TLS, WSGI and ASGI, into files, to a push gateway and to Graphite."""

import asyncio
import base64
import gzip
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest
from vedette import prometheus
from vedette.prometheus import exposition
from vedette.prometheus.bridge.graphite import GraphiteBridge


@pytest.fixture
def registry():
    made = prometheus.CollectorRegistry()
    prometheus.Counter("c", "C", ["x y"], registry=made).labels("1").inc()
    prometheus.Gauge("g", "G", registry=made).set(2)
    return made


def get(url, context=None, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20, context=context) as answer:
        return answer.headers, answer.read()


def test_http_server(registry):
    server, thread = prometheus.start_http_server(0, "127.0.0.1", registry)
    try:
        base = f"http://127.0.0.1:{server.server_port}"
        headers, body = get(base + "/metrics")
        assert headers["Content-Type"] == prometheus.CONTENT_TYPE_PLAIN_0_0_4
        assert body == prometheus.generate_latest(registry)
        headers, body = get(base + "/?name[]=g", Accept="application/openmetrics-text")
        assert body == b"# HELP g G\n# TYPE g gauge\ng 2.0\n# EOF\n"
        headers, body = get(base, **{"Accept-Encoding": "br, gzip"})
        assert gzip.decompress(body) == prometheus.generate_latest(registry)
        assert get(base + "/favicon.ico")[1] == b""
        for method, status in (("OPTIONS", 200), ("POST", 405)):
            request = urllib.request.Request(base, method=method, data=b"")
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    found = answer.status, answer.headers
            except urllib.error.HTTPError as error:
                found = error.code, error.headers
                error.close()
            assert found[0] == status and found[1]["Allow"] == "OPTIONS,GET"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_tls_and_client_certificates(registry, certificate):
    cert, key = certificate
    server, thread = prometheus.start_http_server(
        0, "127.0.0.1", registry, cert, key, client_cafile=cert, client_auth_required=True,
        tls_min_version=ssl.TLSVersion.TLSv1_2,
    )  # fmt: skip
    try:
        url = f"https://127.0.0.1:{server.server_port}/metrics"
        context = ssl.create_default_context(cafile=cert)
        with pytest.raises(OSError):
            get(url, context)
        context.load_cert_chain(cert, key)
        assert b"g 2.0\n" in get(url, context)[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(OSError, match="server certificate"):
        prometheus.start_http_server(0, "127.0.0.1", registry, cert, "/nowhere")


def test_handler_of_http_server(registry):
    handler = prometheus.MetricsHandler.factory(registry)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics?name[]=g"
        assert get(url)[1] == b"# HELP g G\n# TYPE g gauge\ng 2.0\n"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_asgi_app_negotiates(registry):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "query_string": b"name%5B%5D=g",
        "headers": [(b"Accept", b"application/openmetrics-text"), (b"accept-encoding", b"gzip")],
    }
    asyncio.run(prometheus.make_asgi_app(registry)(scope, receive, send))
    headers = dict(sent[0]["headers"])
    assert headers[b"Content-Encoding"] == b"gzip"
    assert gzip.decompress(sent[1]["body"]).endswith(b"g 2.0\n# EOF\n")


def test_text_file(registry, tmp_path):
    path = tmp_path / "out.prom"
    path.write_text("old")
    prometheus.write_to_textfile(str(path), registry, tmpdir=str(tmp_path))
    assert '"x y"="1"' in path.read_text()
    assert os.listdir(tmp_path) == ["out.prom"]

    class Broken:
        def collect(self):
            raise KeyboardInterrupt

    registry.register(Broken())
    with pytest.raises(KeyboardInterrupt):
        prometheus.write_to_textfile(str(path), registry)
    assert os.listdir(tmp_path) == ["out.prom"]


class Gateway(http.server.BaseHTTPRequestHandler):
    """Remembers what it was sent; redirects once from /old."""

    def do_PUT(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path.startswith("/old"):
            self.send_response(301)
            self.send_header("Location", self.path.replace("/old", ""))
        else:
            self.server.seen.append((self.command, self.path, dict(self.headers), body))
            self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_PUT

    def log_message(self, *args):
        pass


@pytest.fixture
def gateway():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_push_gateway(registry, gateway):
    address = f"127.0.0.1:{gateway.server_port}"
    text = prometheus.generate_latest(registry)
    prometheus.push_to_gateway(address, "my job", registry, {"b": "x/y", "a": "", "c": "ü"})
    prometheus.pushadd_to_gateway(f"http://{address}/", "j", registry, compression="gzip")
    prometheus.delete_from_gateway(address, "j")

    def with_password(**arguments):
        return exposition.basic_auth_handler(username="me", password="it", **arguments)

    prometheus.push_to_gateway(address, "j", registry, handler=with_password)
    prometheus.push_to_gateway(
        address + "/old", "j", registry, handler=exposition.passthrough_redirect_handler
    )
    put, add, delete, secret, redirected = gateway.seen
    coded = base64.urlsafe_b64encode(b"my job").decode(), base64.urlsafe_b64encode(b"x/y").decode()
    assert put[0] == "PUT" and put[3] == text
    assert put[1] == f"/metrics/job@base64/{coded[0]}/a@base64/=/b@base64/{coded[1]}/c/%C3%BC"
    assert put[2]["Content-Type"] == prometheus.CONTENT_TYPE_PLAIN_0_0_4
    assert add[:2] == ("POST", "/metrics/job/j") and gzip.decompress(add[3]) == text
    assert delete[:2] == ("DELETE", "/metrics/job/j") and delete[3] == b""
    assert secret[2]["Authorization"] == "Basic " + base64.b64encode(b"me:it").decode()
    assert redirected[0] == "PUT" and redirected[3] == text
    assert prometheus.instance_ip_grouping_key() == {"instance": "127.0.0.1"}
    with pytest.raises(ValueError):
        prometheus.push_to_gateway(address, "j", registry, compression="lzma")


def test_graphite(registry):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        texts = []
        for tags in (False, True):
            GraphiteBridge(address, registry, tags=tags, _timer=lambda: 7.9).push("pre.fix")
            peer, _ = listener.accept()
            with peer, peer.makefile("rb") as sent:
                texts.append(sent.read().decode())
    assert "pre.fix.c_total.x_y.1 1.0 7\n" in texts[0] and "pre.fix.g 2.0 7\n" in texts[0]
    assert "pre.fix.c_total;x_y=1 1.0 7\n" in texts[1]


def test_serving_is_loaded_on_first_use():
    program = (
        "import sys, vedette.prometheus as p; "
        "print([m for m in ('http.server', 'wsgiref', 'ssl') if m in sys.modules]); p.start_http_server"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
