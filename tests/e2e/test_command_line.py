"""The command line: what it teaches, and what it says when something is wrong."""

import socket
import subprocess

from server import BINARY, Server


def vedette(*words):
    return subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=60)


def test_help_and_version():
    assert vedette("--version").stdout.startswith("vedette 0.")
    assert "serve" in vedette("--help").stdout and vedette().returncode == 0
    text = vedette("serve", "--help").stdout
    for flag in [
        "--config",
        "--data",
        "--http",
        "--otlp-http",
        "--otlp-grpc",
        "--retention",
        "--durability",
    ]:
        assert flag in text


def test_wrong_words_are_explained():
    for words, expected in [
        (["serve", "--retention", "5"], "--retention"),
        (["serve", "--durability", "maybe"], "wal"),
        (["serve", "--http", "4319"], "host:port"),
        (["serve", "--htp", "x"], "htp"),
        (
            ["serve", "--http", "none", "--otlp-http", "none", "--otlp-grpc", "none"],
            "nothing could reach",
        ),
        (["nonsense"], "--help"),
    ]:
        result = vedette(*words)
        assert result.returncode == 2 and expected in result.stderr, (words, result.stderr)


def test_check_config(tmp_path):
    file = tmp_path / "vedette.yaml"
    file.write_text("retention: 90d\nscrape:\n  - job: shop\n    targets: [127.0.0.1:8000]\n")
    assert vedette("check-config", file).returncode == 0
    file.write_text("data: x\nretnetion: 90d\nlimits:\n  connections: many\n")
    result = vedette("check-config", file)
    assert result.returncode == 2
    assert f"{file}:2:1: " in result.stderr and 'did you mean "retention"?' in result.stderr
    assert f"{file}:4:16: " in result.stderr, "every mistake at once"
    assert vedette("check-config", tmp_path / "missing.yaml").returncode != 0


def test_a_configuration_file_is_used_and_flags_win(tmp_path):
    file = tmp_path / "vedette.yaml"
    file.write_text("retention: 90d\ndurability: wal\n")
    server = Server(tmp_path / "data", "--config", file, "--durability", "fsync")
    try:
        status = server.vedette("status")
        assert status["retention_ns"] == 90 * 86400 * 10**9 and status["durability"] == "fsync"
    finally:
        server.stop()


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = vedette(
            "serve",
            "--data",
            tmp_path,
            "--http",
            address,
            "--otlp-http",
            "none",
            "--otlp-grpc",
            "none",
        )
    assert result.returncode == 1 and address in result.stderr and "--http" in result.stderr


def test_a_data_folder_belongs_to_one_server(own_server):
    result = vedette(
        "serve",
        "--data",
        own_server.data,
        "--http",
        "127.0.0.1:0",
        "--otlp-http",
        "none",
        "--otlp-grpc",
        "none",
    )
    assert result.returncode == 1 and "in use by another vedette" in result.stderr


def test_a_data_folder_that_can_not_be(tmp_path):
    (tmp_path / "file").write_text("x")
    result = vedette(
        "serve",
        "--data",
        tmp_path / "file" / "data",
        "--http",
        "127.0.0.1:0",
        "--otlp-http",
        "none",
        "--otlp-grpc",
        "none",
    )
    assert result.returncode == 1 and str(tmp_path) in result.stderr
