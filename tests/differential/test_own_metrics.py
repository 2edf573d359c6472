"""What the server says of itself, read by Prometheus's own checker."""

import subprocess
import urllib.request

import peers
import servers


def test_promtool_has_nothing_to_say():
    with servers.vedette() as server:
        server.ask("query", query="up")
        with urllib.request.urlopen(f"{server.base}/metrics", timeout=60) as response:
            text = response.read()
    promtool = str(peers.program("promtool"))
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
