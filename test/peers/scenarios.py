"""The list of scenarios, and how one is put on it."""
from collections import namedtuple

Scenario = namedtuple("Scenario", "name play alone")

ALL = []


def scenario(name, alone=False):
    """Puts a function of a World on the list. With `alone` nothing runs beside it, because it measures rates."""
    def register(play):
        ALL.append(Scenario(name, play, alone))
        return play
    return register
