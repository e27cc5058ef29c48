"""What a container's past use looks like: daily histograms, merged profiles, classes."""
