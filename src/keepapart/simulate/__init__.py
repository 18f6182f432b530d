"""What a cluster apart costs before any money is spent: `pool` → `landing` → `strategies` → `compare`.

A *pool* is the hosts as they stand when the first candidate is launched; *landing* says at which launches a
new host is found; a *strategy* turns that into launches, time and money; *compare* sums up over many trials
and holds the result against `formula` and against the best possible. Pure: randomness is handed in.
"""
