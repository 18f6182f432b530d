"""Measuring: who sends to whom, and how many hops away everybody is."""

SOCKETS = 8  # of a node; each a flow of its own, and 64 flows each way where all may receive
