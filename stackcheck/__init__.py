"""Tells a team, before they build, deploy or upgrade, whether a PyTorch GPU stack works, and why not."""

__version__ = "0.1.0"
