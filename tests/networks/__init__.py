"""Networks built by others: with `ip` alone, by nothing of keepapart's."""
