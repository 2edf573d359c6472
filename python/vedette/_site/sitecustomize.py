"""Python imports this first in every process below ``vedette run``, which puts this folder on PYTHONPATH.

It starts Vedette, then the ``sitecustomize`` that would have been found without it.
"""

import os
import sys


def _start_vedette() -> None:
    try:
        from vedette import _boot
    except ImportError as error:
        print(
            f"vedette run: {sys.executable} cannot import vedette ({error}); it runs unobserved",
            file=sys.stderr,
        )
        return
    try:
        _boot.start()
    except Exception:
        import traceback

        print("vedette run: not started; the program runs unobserved", file=sys.stderr)
        traceback.print_exc()


def _start_the_next() -> None:
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    sys.path[:] = others
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_start_vedette()
_start_the_next()
