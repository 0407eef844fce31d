"""From image files to batches on the training device: bank, coordinates, catalog, overlap guard."""
