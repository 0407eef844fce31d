"""People's own image files, read and written with nothing lost but what the network changes."""

from restore.photos.photo import Metadata, Photo
from restore.photos.reading import read
from restore.photos.writing import unkept, write

__all__ = ["Metadata", "Photo", "read", "unkept", "write"]
