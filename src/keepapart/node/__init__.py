"""What runs on an instance: Python 3.6 or later, the standard library, nothing of ours beside these files."""
