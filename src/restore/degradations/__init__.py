"""What corrupts an image: modules from a clean image and a generator to a degraded one, on the image's device."""
