"""The demo: an orders shop of real programs, its traffic, and a Vedette that watches them."""
