"""What builds an object is held to that object's own signature, by the key that a person typed."""

import pytest

from restore.config.compose import compose
from restore.errors import RequestError


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model.width=abc"], "model.width is a whole number, and it is 'abc'"),
        (["model.width=0"], "model.width must be at least 1, and it is 0"),
        (["model.last_layer=zeros"], "unknown model.last_layer 'zeros': did you mean 'zero'"),
        (["+model.widht=3"], "unknown key 'model.widht': did you mean 'model.width'"),
        (["model._target_=nosuch.Network"], "Error locating target 'nosuch.Network'"),
        (["task=deblur", "task.blur_sigma=-1"], "task.blur_sigma must be at least 0, and it is -1"),
        (["task=general", "task.quality=[5,300]"], "task.quality must be from 1 to 100, and it is 300"),
        (["task.test_sigma=[25,-1]"], "task.test_sigma must be at least 0, and it is -1"),
        (["+task.strength=5"], "unknown key 'task.strength'"),
        (["+optim.optimizer.beta=[0.9,0.99]"], "did you mean 'optim.optimizer.betas'"),
        (["+optim.optimizer.betas=[0.9,1]"], "optim.optimizer.betas must be below 1, and it is 1"),
        (["optim=adam_cosine", "optim.optimizer.lr=fast"], "optim.optimizer.lr is a number"),
        (["recipe.batch_size=0", "budget=gpu"], "recipe.batch_size must be at least 1, and it is 0"),
        (["metrics.psnr.digits=-1"], "metrics.psnr.digits must be at least 0, and it is -1"),
        (["name='a\udce4'"], "name is not UTF-8"),
    ],
)
def test_refused_by_the_key_that_gives_the_value(words, sentence):
    with pytest.raises(RequestError) as refusal:
        compose("config", words)
    assert sentence in str(refusal.value)


def test_a_class_of_somebody_s_own_needs_no_schema(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(
        "from torch import nn\n\n\nclass Own(nn.Module):\n    def __init__(self, channels: int, gain: float = 1.0): super().__init__()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ["~model", "+model._target_=theirs.Own", "+model.name=own", "+model.channels=1"]
    assert compose("evaluate", words).model.name == "own"
    with pytest.raises(RequestError, match=r"model\.gain is a number, and it is 'much'"):
        compose("evaluate", [*words, "+model.gain=much"])
