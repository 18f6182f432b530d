"""The lab's logic: what there is, what becomes of it, and what is stated of it. Pure."""
