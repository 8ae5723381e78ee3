"""Laws hold on a busy machine too: how long an example takes is no part of them."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
