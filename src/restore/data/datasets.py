"""The sets of the papers by name: which files, in which folder, prepared how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from torch import Tensor

from restore.data.images import distinct, half_size, list_images, read_image
from restore.data.pairs import GOPRO, POLYU, SIDD_BLOCKS, Layout, PairedFiles, find_pairs
from restore.data.storage import ImageStorage
from restore.errors import RequestError, unknown_name
from restore.files import MAX_PIXELS, printable


class AbsentSetError(RequestError):
    """A set of the papers that is not on this machine."""


# scikit-image's photographs that come inside its wheel (all free to use; see its data/README.txt)
PHOTOGRAPHS = (
    *("brick.png", "chelsea.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg"),
    *("ihc.png", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "rocket.jpg"),
)
PHOTOGRAPHS_RGB = tuple(
    name
    for name in PHOTOGRAPHS
    if name not in ("brick.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png", "moon.png")
)
TEST_PHOTOGRAPHS = ("astronaut.png", "camera.png", "coffee.png")
TEST_PHOTOGRAPHS_RGB = ("astronaut.png", "coffee.png")


@dataclass(frozen=True)
class DatasetSpec:
    """Where a set lies under `paths.data`: alternatives of folder lists, the first complete one is used.

    Attributes:
        prepare: what is done to each image once read.
        keep: which files belong to it.
        layout: of real pairs.
        note: said where the set is not there.
    """

    folders: tuple[tuple[str, ...], ...]
    prepare: Callable[[Tensor], Tensor] | None = None
    keep: Callable[[Path], bool] | None = None
    layout: Layout | None = None
    note: str = ""


@dataclass(frozen=True)
class Listing:
    """The files of a set, in order, and what is done to each once read; real pairs have a partner for each.

    Attributes:
        names: of the images; the files' own without suffix where they are not given.
    """

    name: str
    files: tuple[Path, ...]
    prepare: Callable[[Tensor], Tensor] | None = None
    partners: tuple[Path, ...] | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of_pairs(cls, name: str, pairs: PairedFiles) -> Listing:
        names, clean, degraded = zip(*pairs, strict=True)
        return cls(name, clean, partners=degraded, names=names)

    @property
    def image_names(self) -> tuple[str, ...]:
        names = distinct(self.names or [file.stem for file in self.files], self.files)
        return tuple(map(printable, names))


@dataclass
class Images:
    """The images of a set: ``(C, H, W)`` each, uint8, uint16 or float32 in [0, 1], by name; `bad` are those left out, with the reason."""

    name: str
    names: list[str] = field(default_factory=list)
    images: list[Tensor] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    sources: list[Tensor] = field(default_factory=list)  # before `prepare`, for the overlap guard
    partners: list[Tensor] = field(default_factory=list)  # of real pairs: the degraded images

    def extend(self, other: Images) -> None:
        for name in FIELDS:
            getattr(self, name).extend(getattr(other, name))

    def choose(self, order: Sequence[int], with_partners: bool = True) -> Images:
        """Some of the images, in that order; of real pairs both halves, or the clean ones alone."""
        kept = [name for name in FIELDS if with_partners or name != "partners"]
        return Images(
            self.name, **{name: [getattr(self, name)[i] for i in order if getattr(self, name)] for name in kept}
        )


FIELDS = ("names", "images", "sources", "partners")


@dataclass(frozen=True)
class WholeImage:
    """A clean image to be examined: ``(1, 1 or 3, H, W)`` as in its file, and where it belongs."""

    dataset: str
    name: str
    index: int
    levels: Tensor
    degraded: Tensor | None = None  # of a real pair


def _folders(*names: str) -> DatasetSpec:
    return DatasetSpec(((*names,),))


def _begins(start: str, file: Path) -> bool:
    return file.name.startswith(start)


def _bsd68_ids() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "bsd68.txt").read_text().split())


# PolyU's crops of photographs taken again and again, one against the mean (Xu, Li, Liang, Zhang, Zhang 2018, arXiv
# 1804.02603): 100 pairs of five cameras, whose names the files begin with. Research only.
CAMERAS = ("Canon", "Canon5D2", "Canon600D", "Canon80D", "NikonD800", "Sony")
POLYU_SETS = {
    f"polyu_{camera}".rstrip("_").lower(): DatasetSpec(
        (("PolyU",),), keep=partial(_begins, camera), layout=POLYU, note="PolyU's CroppedImages, for research only"
    )
    for camera in ("", *CAMERAS)
}
TRAINING = {
    "train400": _folders("Train400"),
    "bsd300": _folders("BSDS500/train", "BSDS500/val"),
    "bsd_train": _folders("BSDS500/train"),
    "bsd432": DatasetSpec(
        (("BSDS500/train", "BSDS500/val", "BSDS500/test"),), keep=lambda file: file.stem not in _bsd68_ids()
    ),
    "t91": _folders("T91"),
    "t91_bsd200": _folders("T91", "BSDS500/train"),
    "gopro": DatasetSpec((("GOPRO/train",), ("GOPRO_Large/train",)), layout=GOPRO),
    "gopro_standin": _folders("BSDS500/train"),
    **POLYU_SETS,
}
TEST = {
    "set5": _folders("Set5"),
    "set12": _folders("Set12"),
    "set14": _folders("Set14"),
    "fourteen": DatasetSpec(
        (("fourteen",),),
        note="RED-Net's 14 images of Tables 1 and 3, which it shows in Fig. 13 and does not name: yours to gather",
    ),
    "bsd68": _folders("BSD68"),
    "bsd100": _folders("BSDS500/val"),
    "bsd200": DatasetSpec((("BSDS500/test",),), prepare=half_size),
    "classic5": _folders("classic5"),
    "live1": DatasetSpec((("LIVE1",), ("LIVE1_gray",))),
    "urban100": _folders("Urban100"),
    "cbsd68": _folders("CBSD68"),
    "kodak24": _folders("Kodak24"),
    "mcmaster": _folders("McMaster"),
    "gopro": DatasetSpec((("GOPRO/test",), ("GOPRO_Large/test",)), layout=GOPRO),
    "gopro_standin": _folders("BSDS500/test"),
    "sidd": DatasetSpec((("SIDD",),), layout=SIDD_BLOCKS, note="its .mat files of validation blocks"),
    **POLYU_SETS,
}
# BSD68 in colour is the 68 originals; the gray set's files have no colour
TEST_RGB = {"bsd68": DatasetSpec((("BSDS500/val",),), keep=lambda file: file.stem in _bsd68_ids())}


MIXTURES = {"t91_bsd200": ("t91", "bsd_train")}


def parts(name: str) -> tuple[str, ...]:
    """The training sets that a set is a mixture of; itself where it is none."""
    return MIXTURES.get(name, (name,))


def find(name: str, root: str | Path | None, channels: int, *, training: bool, layout: Layout | None = None) -> Listing:
    """The files of a named set, or of any folder of images or of pairs.

    Args:
        name: a set's name, or a folder's path.
        root: `paths.data`, the folder that holds the papers' sets; None where there is none.
        channels: 1 or 3; `photographs` and `bsd68` differ by it.
        training: look among training sets, else among test sets.
        layout: of real pairs, where it is not the set's own or a common one.

    Raises:
        RequestError: an unknown name.
        AbsentSetError: a set that is not on this machine.
    """
    if name == "photographs":
        return photographs(channels, training)
    known = TRAINING if training else ({**TEST, **TEST_RGB} if channels == 3 else TEST)
    if name in known:
        return known_set(name, known[name], root, layout)
    folder = Path(name).expanduser()
    if not folder.is_dir() and "/" not in str(name):
        raise unknown_name("training set" if training else "test set", name, [*known, "photographs"])
    label = own_name(printable(folder.resolve().name))
    pairs = find_pairs(folder, layout)
    return Listing.of_pairs(label, pairs) if pairs else Listing(label, tuple(list_images(folder)))


def own_name(folder: str) -> str:
    """What a person's own folder is called: by its name, told apart where a set of the papers has that name.

    The published numbers of that set would stand beside it, and its noise would be that set's.

    Example:
        >>> own_name("holiday"), own_name("set5")
        ('holiday', 'set5 (own folder)')
    """
    return f"{folder} (own folder)" if folder in (*TRAINING, *TEST, "photographs") else folder


def told_apart(listings: Sequence[Listing]) -> list[Listing]:
    """The sets as they are, where each has its own name.

    Raises:
        RequestError: two of them share one, and their rows and their noise would be one set's.
    """
    first: dict[str, Listing] = {}
    for listing in listings:
        other = first.setdefault(listing.name, listing)
        if other is not listing:
            places = " and ".join(str(each.files[0].parent) for each in (other, listing))
            raise RequestError(f"test_sets has two sets called {listing.name}, {places}: rename one, or score it apart")
    return list(listings)


def photographs(channels: int, training: bool) -> Listing:
    """scikit-image's photographs, which come with every installation."""
    from skimage import data  # heavy, and only this set needs it

    gray, rgb = (PHOTOGRAPHS, PHOTOGRAPHS_RGB) if training else (TEST_PHOTOGRAPHS, TEST_PHOTOGRAPHS_RGB)
    folder = Path(data.__file__).parent
    return Listing("photographs", tuple(folder / file for file in (gray if channels == 1 else rgb)))


def known_set(name: str, spec: DatasetSpec, root: str | Path | None, layout: Layout | None) -> Listing:
    """A set of the papers, in the first of its places that is complete."""
    if root is None:
        raise AbsentSetError(
            f"the set {name} needs a data folder: set RESTORE_DATA or paths.data to the one that holds it"
        )
    root = Path(root).expanduser()
    for folders in spec.folders:
        if not all((root / folder).is_dir() for folder in folders):
            continue
        if spec.layout:
            return paired_set(name, root / folders[0], layout or spec.layout, spec.keep)
        files = [file for folder in folders for file in list_images(root / folder)]
        files = [file for file in files if spec.keep is None or spec.keep(file)]
        return Listing(name, tuple(sorted(files, key=lambda file: file.name)), spec.prepare)
    places = " or ".join(" with ".join(folders) for folders in spec.folders)
    places = f"{places} ({spec.note})" if spec.note else places
    raise AbsentSetError(f"the set {name} is not in {root}: it needs the folder {places} there; see restore.datasets")


def paired_set(name: str, folder: Path, layout: Layout, keep: Callable[[Path], bool] | None = None) -> Listing:
    pairs = [pair for pair in find_pairs(folder, layout) if keep is None or keep(pair[1])]
    if not pairs:
        raise RequestError(f"{folder} has no {layout.degraded} beside {layout.clean}")
    return Listing.of_pairs(name, pairs)


def read(
    listing: Listing,
    channels: int,
    on_bad_image: str = "stop",
    luma: str = "gray",
    max_pixels: int = MAX_PIXELS,
    peak: float | None = None,
) -> Images:
    """Read a set.

    Args:
        luma: how colour becomes gray where channels is 1: ``gray``, ``y``, or not at all (``as in file``),
            for a protocol to do.
        on_bad_image: ``stop`` raises at the first file that cannot be read, ``skip`` lists it in `bad`.
        max_pixels: the most that an image may have; a larger one cannot be read.
        peak: the level that is 1 of images of more than 8 bits, see `read_image`.

    Raises:
        RequestError: an unreadable image under ``stop``, or none readable at all.
    """
    if on_bad_image not in ("stop", "skip"):
        raise unknown_name("on_bad_image", on_bad_image, ["stop", "skip"])
    images = Images(listing.name)
    partners = listing.partners or (None,) * len(listing.files)
    storage = ImageStorage(
        [*listing.files, *(listing.partners or ())], 3 if luma == "as in file" else channels, peak=peak
    )
    for name, file, partner in zip(listing.image_names, listing.files, partners, strict=True):
        try:
            image = read_image(file, channels, luma, max_pixels, peak)
            if partner is not None:
                other = read_image(partner, channels, luma, max_pixels, peak)
                if other.shape != image.shape:
                    sizes = " and ".join(f"{i.shape[2]}×{i.shape[1]}" for i in (image, other))
                    raise RequestError(f"the pair {file} and {partner} has different sizes, {sizes}")
                images.partners.append(storage.keep(listing.prepare(other) if listing.prepare else other))
        except RequestError as error:
            if on_bad_image == "stop":
                raise RequestError(f"{error} (on_bad_image=skip leaves such files out)") from error
            images.bad.append(str(error))
            continue
        images.images.append(storage.keep(listing.prepare(image) if listing.prepare else image))
        # pairs are compared as they are kept: their originals may not fit in memory
        images.sources.append(images.images[-1] if partner is not None or not listing.prepare else image)
        images.names.append(name)
    if not images.images:
        raise RequestError(f"no image of {listing.name} can be read: {images.bad[0]}")
    return images
