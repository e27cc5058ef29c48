"""How far a node or pool may be oversold: predicted peaks, calibration, the advised ratio."""
