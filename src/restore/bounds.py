"""What a number or a name may be, as annotations of arguments: the configuration is held to them where it is composed.

They say nothing to Python itself: a constructor still answers what depends on another argument.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

LARGEST = 2**53  # beyond it floats, and so JSON and tables, skip whole numbers
Count = Annotated[int, Ge(1), Le(LARGEST)]
Whole = Annotated[int, Ge(0), Le(LARGEST)]
Seed = Annotated[int, Ge(0), Lt(2**32)]  # NumPy's
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Gt(0), Le(1)]  # all of it included
Unit = Annotated[float, Ge(0), Le(1)]
Below1 = Annotated[float, Ge(0), Lt(1)]
Inner = Annotated[float, Gt(0), Lt(1)]
Text = Annotated[str, MinLen(1)]

Start = Literal["zero", "he"]  # of a network's last layer
ImageChannels = Literal[1, 3]  # gray or colour
