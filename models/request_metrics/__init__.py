"""Requests weighted by what they cost: one metric of load from a latency histogram."""
