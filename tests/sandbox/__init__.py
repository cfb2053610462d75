"""Tests of the sandbox: one per point of simkl-api.md 12, over the real socket."""
