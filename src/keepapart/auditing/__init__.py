"""One audit: from who there is, by a round, to the document that is kept."""
