"""Which of my cloud instances share a physical host, and how to get a cluster nodes that don't."""

__version__ = "0.1.0"
