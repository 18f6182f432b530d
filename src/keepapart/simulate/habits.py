"""The habits of a platform's scheduler, by the names that world files and `--habit` have for them."""

from __future__ import annotations

from typing import Final, Literal

Habit = Literal["random", "packing", "sticky"]
RANDOM: Final = "random"  # any host that has room, each as likely
PACKING: Final = "packing"  # the fullest host that has room, so that few hosts are in use
STICKY: Final = "sticky"  # the slot freed last is filled first; with none freed, as `random`
HABITS: tuple[Habit, ...] = (RANDOM, PACKING, STICKY)
