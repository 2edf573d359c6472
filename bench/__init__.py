"""System benchmarks: the same load to Vedette and to its peers, in CPU seconds and bytes."""
