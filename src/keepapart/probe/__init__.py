"""Measuring: who sends to whom, and how many hops away everybody is."""
