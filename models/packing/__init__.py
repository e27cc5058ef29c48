"""How many nodes a set of pods needs: what can be banked when requests shrink."""
