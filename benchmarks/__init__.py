"""How fast CareQueue is, as ratios to the least that a program of its kind can do."""
