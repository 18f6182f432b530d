"""What keepapart does where somebody else's platform runs for real: to be looked at, and run by tests."""
