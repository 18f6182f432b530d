"""A move: a member gets another host and keeps its identity and its disks. One at a time.

`machine` decides which step is next from `state` (the fold of the journal's events) and what the platform
shows; `mover` performs it by `acts`, and journals what came of it; `outcome` says what became of it. The use
case is `admit.moving`.
"""
