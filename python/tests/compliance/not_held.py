"""Rows of the matrix that do not hold, with the reason: (section, name) -> reason."""

NOT_HELD: dict[tuple[str, str], str] = {}
