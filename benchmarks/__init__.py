"""Figures side by side with the peers, in one run, as ratios: absolute times only say how the machine was."""
