"""What optimisation programmes plan and bring: priorities, pilots, realised saving, payback, shares."""
