"""A scripted day at the real program: thirty items in the queue's own order, by keys alone."""
