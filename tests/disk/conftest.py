"""A sandbox for each test."""

from tests.kit.simkl_sandbox import sandbox

__all__ = ["sandbox"]
