"""What the numbers under a metric's name mean, so that a stored row alone can be tabulated."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan


@dataclass(frozen=True)
class Quantity:
    """A metric as tables know it.

    Attributes:
        name: as in the configuration.
        digits: decimals in tables.
        called: in tables, where that is not the name in capitals.
    """

    name: str
    unit: str = ""
    digits: int = 4
    higher_is_better: bool = True
    called: str = ""

    @property
    def title(self) -> str:
        """``PSNR``, ``MS-SSIM``."""
        return self.called or self.name.upper().replace("_", "-")

    @property
    def title_and_unit(self) -> str:
        return f"{self.title} {self.unit}".rstrip()

    @property
    def fine_digits(self) -> int:
        """Decimals where runs of one network are compared."""
        return max(self.digits, 3)

    @property
    def stored_digits(self) -> int:
        """Decimals in files; values so small that five of them are shown are stored finer, to be told in dB."""
        return max(self.digits, 4) if self.digits < 5 else self.digits + 3

    def text(self, value: float) -> str:
        """A value as a table has it, without its unit; – where there is none."""
        return "–" if isnan(value) else f"{value:.{self.digits}f}"

    def with_unit(self, value: float, digits: int | None = None, sign: str = "") -> str:
        """A value with its unit; `sign` is ``+`` for a difference.

        Example:
            >>> quantity("psnr").with_unit(0.5, sign="+")
            '+0.50 dB'
        """
        return f"{value:{sign}.{self.digits if digits is None else digits}f} {self.unit}".rstrip()

    def caption(self, value: float) -> str:
        """A value that says what it is: ``30.12 dB``, ``SSIM 0.8912``."""
        return self.with_unit(value) if self.unit else f"{self.title} {self.text(value)}"

    @property
    def axis(self) -> str:
        """``PSNR / dB``, ``SSIM``."""
        return f"{self.title} / {self.unit}" if self.unit else self.title

    def better(self, difference: float) -> bool:
        """Whether a positive or negative difference is a gain."""
        return difference > 0 if self.higher_is_better else difference < 0


def register(*quantities: Quantity) -> None:
    """Make metrics known by their names, beside those of ``conf/metric`` (which a test holds equal to these)."""
    _KNOWN.update({each.name: each for each in quantities})


def known_quantities() -> tuple[Quantity, ...]:
    """Every metric that is known by its name."""
    return tuple(_KNOWN.values())


def quantity(label: str) -> Quantity:
    """What a metric's label in a row stands for; four decimals, and higher is better, where it is not known.

    Example:
        >>> quantity("lpips@0.1-7be5be79").higher_is_better
        False
    """
    name = label.partition("@")[0]
    return _KNOWN.get(name, Quantity(name))


_KNOWN: dict[str, Quantity] = {}
register(
    Quantity("psnr", "dB", 2),
    Quantity("mse", digits=5, higher_is_better=False),
    Quantity("psnr_of_mse", "dB", 2, called="PSNR of the mean MSE"),  # in tables alone: derived where there is an MSE
    Quantity("psnr_y", "dB", 2),
    Quantity("psnrb", "dB", 2),
    Quantity("ssim"),
    Quantity("ssim_reflect"),
    Quantity("ms_ssim"),
    Quantity("vif"),
    Quantity("lpips", higher_is_better=False),
    Quantity("dists", higher_is_better=False),
)
