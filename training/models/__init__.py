"""One file per model, each with a `MODEL`; discovery finds them."""
