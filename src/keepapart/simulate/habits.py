"""The habits of a platform's scheduler, by the names that world files and `--habit` have for them."""

RANDOM = "random"  # any host that has room, each as likely
PACKING = "packing"  # the fullest host that has room, so that few hosts are in use
STICKY = "sticky"  # the slot freed last is filled first; with none freed, as `random`
HABITS = (RANDOM, PACKING, STICKY)
