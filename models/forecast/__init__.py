"""What comes next: naive forecasts chosen by rolling back-test, with calibrated intervals."""
