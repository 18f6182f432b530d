"""ssh as the way in, with a real sshd in every instance of a lab."""
