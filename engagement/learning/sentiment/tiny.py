"""A small transformer trained from scratch on the shop's own reviews: no hub, no base, 3 MB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from engagement.learning.sentiment.base import imported
from engagement.learning.sentiment.cleaning import normalise
from engagement.learning.sentiment.encoders import Encoder
from engagement.learning.sentiment.transformer import Transformer

MIN_FREQUENCY = 2
PAD, UNKNOWN, START = "[PAD]", "[UNK]", "[CLS]"


class TinyEncoder(Transformer):
    """
    A BERT of ``layers`` × ``width`` and its WordPiece vocabulary, both learnt from the texts given.

    For shops of some thousand reviews: quicker than any pretrained encoder and about as good as
    grams, which makes it worth having in an :class:`.ensemble.Ensemble`. With few labels grams are
    far better. The other options are those of :class:`.transformer.Transformer`.
    """

    _has_base = False

    def __init__(
        self,
        width: int = 64,
        layers: int = 2,
        vocabulary: int = 8_000,
        quantised: bool = False,
        max_tokens: int = 96,
        strength: float = 10.0,
        calibration: str = "platt",
        epochs: int = 4,
        learning_rate: float = 7e-4,
        batch_size: int = 32,
        patience: int = 2,
        save_every: int = 500,
        min_texts: int = 100,
    ) -> None:
        self.width = width
        self.layers = layers
        self.vocabulary = vocabulary
        super().__init__(
            base="",
            tuned=True,
            quantised=quantised,
            max_tokens=max_tokens,
            strength=strength,
            calibration=calibration,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            patience=patience,
            frozen_words=False,
            save_every=save_every,
            min_texts=min_texts,
        )

    def _prepare(self, texts: Sequence[str], rng: np.random.Generator) -> Encoder:
        """Return an encoder with random weights; its vocabulary is the stored one, or new."""
        transformers = imported("transformers", "transformers")
        torch = imported("torch", "transformers")
        torch.set_num_threads(1)
        if not hasattr(self, "tokenizer_"):
            text = _learn_pieces(texts, self.vocabulary).to_str()
            self.tokenizer_ = np.frombuffer(text.encode(), dtype=np.uint8).copy()
        backend = imported("tokenizers", "transformers").Tokenizer.from_str(
            self.tokenizer_.tobytes().decode()
        )
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=backend, pad_token=PAD, unk_token=UNKNOWN
        )
        config = transformers.BertConfig(
            vocab_size=backend.get_vocab_size(),
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=max(self.width // 32, 1),
            intermediate_size=2 * self.width,
            max_position_embeddings=self.max_tokens,
            hidden_dropout_prob=0.2,
            attention_probs_dropout_prob=0.1,
            pad_token_id=0,
        )
        with torch.random.fork_rng(devices=[]):
            # Loading takes the weights from the file; training starts from these.
            torch.manual_seed(int(rng.integers(2**31)))
            model = transformers.BertModel(config, add_pooling_layer=False)
        return Encoder(model.eval(), tokenizer, self.max_tokens, self.prefix)

    def _is_base(self, encoder: Encoder) -> bool:
        return True  # Every weight is stored with the model.


def _learn_pieces(texts: Sequence[str], size: int) -> Any:
    """
    Return a WordPiece tokenizer: all signs, then the most frequent words and their endings.

    Counted here because the library's trainer breaks ties by chance, and the same texts are to give
    the same model.
    """
    tokenizers = imported("tokenizers", "transformers")
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        plain = normalizer.normalize_str(normalise(text))
        words.update(word for word, _ in splitter.pre_tokenize_str(plain))
    signs: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for word, count in words.items():
        for sign in word:
            signs[sign] += count
        for n in range(2, min(len(word), 6)):
            endings[f"##{word[-n:]}"] += count
    pieces = dict.fromkeys([PAD, UNKNOWN, START])
    frequent = _by_count(signs)[: size // 2]
    pieces |= dict.fromkeys(frequent) | dict.fromkeys(f"##{sign}" for sign in frequent)
    pieces |= dict.fromkeys(_by_count(endings)[: size // 8])
    pieces |= dict.fromkeys(_by_count(words))
    vocabulary = {piece: number for number, piece in enumerate(list(pieces)[:size])}
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=40)
    )
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, 2)]
    )
    return tokenizer


def _by_count(counts: Counter[str]) -> list[str]:
    often = [piece for piece, count in counts.items() if count >= MIN_FREQUENCY]
    return sorted(often, key=lambda piece: (-counts[piece], piece))
