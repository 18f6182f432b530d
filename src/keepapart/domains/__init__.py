"""Fault domains: what fails together, what it is called, and what its loss costs."""
