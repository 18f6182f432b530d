"""The demos: the main job end to end, with the commands that a user would type."""
