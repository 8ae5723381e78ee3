"""The shape of the house: how long, how wide, how tangled; measured, and held by tests."""
