"""Rows of the matrix that do not hold, with the reason: (section, name) -> reason."""

_PRODUCERS = "There are no metric producers, as upstream has none; readers collect from meter providers alone."

NOT_HELD: dict[tuple[str, str], str] = {
    (
        "Metrics",
        "The `MeterProvider` supports configuring `view_matching_mode` to enable composable View matching.",
    ): "Each view that matches makes a stream of its own, as upstream has it.",
    ("Metrics", "A metric Producer accepts an optional metric Filter"): _PRODUCERS,
    (
        "Metrics",
        "The metric Reader implementation supports registering metric Filter and passing them its registered metric "
        "Producers",
    ): _PRODUCERS,
    (
        "Metrics",
        "The metric SDK's metric Producer implementations uses the metric Filter",
    ): _PRODUCERS,
}
