"""The lab: a cloud on one machine, to try everything on and to hold verdicts against a known truth.

`world` says what there is, `scheduler` and `lifecycle` what becomes of the instances, `topology` who has
which address and how far apart they are: all pure. `netns` builds it from network namespaces, `simulated`
computes it instead; `service` answers requests over either, `daemon` is the process, `client` the way in.
"""
