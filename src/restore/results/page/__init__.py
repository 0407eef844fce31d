"""One web page of everything that was measured: scores, curves, ablations and images in one HTML file."""
