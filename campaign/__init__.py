"""Proof by numbers: random worlds of known truth, simulated and real, held against the verdicts."""
