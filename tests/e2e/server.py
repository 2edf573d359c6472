"""The vedette binary as a test sees it: a process, its addresses, its APIs."""

import gzip
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("VEDETTE_BINARY", ROOT / "build/release/vedette"))
# Straight to the server, whatever proxy the machine is set to.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def request(url, data=None, headers=None, method=None):
    call = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with OPENER.open(call, timeout=30) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Server:
    def __init__(self, data, *arguments):
        self.data = Path(data)
        self.arguments = arguments
        self.process = None
        self.start()

    def start(self):
        any_port = "127.0.0.1:0"
        self.process = subprocess.Popen(
            [
                BINARY,
                "serve",
                "--data",
                self.data,
                "--http",
                any_port,
                "--otlp-http",
                any_port,
                "--otlp-grpc",
                any_port,
                *self.arguments,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        first = self.process.stdout.readline()
        assert "is ready" in first, f"the server did not start: {first!r}"
        self.http = re.search(r"http://(\S+)", first)[1]
        self.grpc = re.search(r"(127\S+)", self.process.stdout.readline())[1]
        self.otlp_http = re.search(r"(127\S+)", self.process.stdout.readline())[1]

    def stop(self):
        """Gracefully; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def url(self, path, **parameters):
        pairs = [
            (k, v)
            for k, values in parameters.items()
            for v in (values if isinstance(values, list) else [values])
        ]
        return f"http://{self.http}{path}" + ("?" + urllib.parse.urlencode(pairs) if pairs else "")

    def get(self, path, **parameters):
        return request(self.url(path, **parameters))

    def json(self, path, **parameters):
        answer = self.get(path, **parameters)
        assert answer.status == 200, f"{path} {parameters}: {answer.status} {answer.text}"
        return answer.json()

    def vedette(self, path, **parameters):
        return self.json("/vedette/v1/" + path, **parameters)

    def post(self, path, body, content_type, address=None, gzipped=False, **headers):
        sent = {"Content-Type": content_type, **headers}
        if gzipped:
            body = gzip.compress(body)
            sent["Content-Encoding"] = "gzip"
        return request(f"http://{address or self.http}{path}", body, sent, "POST")

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
