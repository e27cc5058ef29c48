"""Journal entries of a month's charges: mapping, lines, balance."""
