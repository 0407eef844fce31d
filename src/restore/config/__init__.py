"""The one place below the commands that knows Hydra: from words to a configuration, and from that to objects."""
