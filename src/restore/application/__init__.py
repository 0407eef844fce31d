"""A network and a person's own images: what `restore.apply` does with them."""
