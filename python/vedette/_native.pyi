"""The native half, of which type checkers know no more than that it is there."""

from typing import Any

def __getattr__(name: str) -> Any: ...
