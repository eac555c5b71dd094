"""Small shops of our own on real shop packages; `tests/shops/README.md` says how they are run."""
