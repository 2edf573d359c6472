"""The command ``vedette``.

``run`` and ``doctor`` are Python; everything else is the server's, a program beside this file, which takes this
process over. (A Python command that starts the server, and not the other way round: only this side knows for certain
which Python it belongs to, and the few milliseconds are no loss to a server.)
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    words = sys.argv[1:]
    if words[:1] == ["run"]:
        from vedette import _run

        return _run.main(words[1:])
    if words[:1] == ["doctor"]:
        from vedette import _doctor

        return _doctor.main(words[1:])
    server = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "vedette")
    try:
        os.execv(server, ["vedette", *words])
    except FileNotFoundError:
        print(
            "vedette: this installation has no server; vedette run and vedette doctor work without",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
