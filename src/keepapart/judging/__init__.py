"""Judging: from all evidence to one verdict for each pair."""
