import pytest

from restore.errors import RequestError
from restore.training.durations import clock, seconds


@pytest.mark.parametrize(
    ("limit", "value"),
    [(90, 90), ("90", 90), ("90s", 90), ("6m", 360), ("2h", 7200), ("00:00:06:00", 360), ("1:30", 90), (None, None)],
)
def test_time_limits(limit, value):
    assert seconds(limit) == value


@pytest.mark.parametrize("limit", ["soon", "0", "-5m", "", "1:x"])
def test_time_limit_that_is_none(limit):
    with pytest.raises(RequestError, match=r"trainer\.max_time"):
        seconds(limit)


def test_a_clock():
    assert [clock(value) for value in (0.4, 59.6, 3599, 3600)] == ["0:00", "1:00", "59:59", "1:00:00"]
