"""Policies that turn profiles into advice, their guard rails, risk, savings and the life of a suggestion."""
