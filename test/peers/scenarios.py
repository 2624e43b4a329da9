"""The list of scenarios, and how one is put on it."""
from collections import namedtuple

Scenario = namedtuple("Scenario", "name play alone waits")

ALL = []


def scenario(name, alone=False, waits=False):
    """Puts a function of a World on the list. With `alone` nothing runs beside it, because it measures; with `waits`
    many do, because most of its time goes by until timers of other programs are due."""
    def register(play):
        ALL.append(Scenario(name, play, alone, waits))
        return play
    return register
