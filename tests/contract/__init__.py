"""What CareQueue does to a server, told as cases that run unchanged on every server we have."""
