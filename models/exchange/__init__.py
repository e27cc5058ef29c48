"""Rates between currencies, and amounts converted by them."""
