"""Admissions killed at every arrow, under every fault of a platform; docs/faults.md has the tables."""
