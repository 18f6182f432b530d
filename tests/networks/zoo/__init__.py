"""Networks of namespaces of every kind that misleads whoever counts hops, and a command that audits them."""
