"""The lab's sshd on every instance, and the way through to it."""
