"""CareQueue: one prioritized queue of what must happen next, for behavioral-health clinicians."""

__version__ = "0.1.0"
