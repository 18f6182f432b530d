"""What an audit looks like: as JSON, in a terminal, as a page."""
