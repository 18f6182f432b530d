"""keepapart's commands killed at random times on platforms whose own word is the truth.

``python -m faults.platforms nova|fakepve|vcsim|libvirt [--rounds N] [--seed N] [--write FILE]``

A cluster of three lives on from round to round, with one journal. In each round a member ends, is to be
replaced, or is put on another's host; the command that mends it is killed up to three times by SIGKILL at
random times, while calls fail or their answers are lost. The same command is repeated in peace, sometimes
after `gc`. Then a client of the platform's own, which shares no code with keepapart, looks:

1. nothing is lost: whatever carries the cluster's tag is one of three members that run;
2. nothing is doubled: there are three;
3. no two of them share a host, by the platform's own word;
4. decoys, with names and tags like ours, are as they were;
5. `gc` finds nothing.
"""
