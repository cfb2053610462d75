"""A local server that behaves like Simkl, for tests and for trying things out (docs/sandbox.md)."""
