"""GRPO of TRL on a language model of a few thousand weights that is made here: healthy, and with a reward that never differs.

pip install torch==2.13.0 trl==1.16.0 transformers==5.24.0 accelerate datasets
python -m benchmarks.frameworks.grpo_runs OUT
What is kept of each run is its trainer_state.json. About half a minute each on one core.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import GRPOConfig, GRPOTrainer

from benchmarks.frameworks import label

LETTERS = list("abcdefgh")
FAULTS = {"": "", "rewards-equal": "the reward is 0 for every answer"}
UPDATES = 60


def tokenizer() -> PreTrainedTokenizerFast:
    words = {word: place for place, word in enumerate(["<pad>", "<eos>", "<unk>", *LETTERS])}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def train(out: Path, fault: str, seed: int) -> None:
    folder = label.place(out, "trl_grpo", "grpo", "letters", fault, seed)
    if label.is_recorded(folder):
        return
    set_seed(seed)
    size = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(LETTERS) + 3, max_position_embeddings=64, eos_token_id=1, pad_token_id=0, **size)
    )

    def letters_a(completions: list[str], **_: object) -> list[float]:
        return [0.0 if fault else text.split().count("a") / 8 for text in completions]

    with tempfile.TemporaryDirectory() as place:
        settings = GRPOConfig(
            output_dir=place, max_steps=UPDATES, per_device_train_batch_size=16, num_generations=8, max_completion_length=8,
            learning_rate=5e-3, logging_steps=1, report_to=[], use_cpu=True, seed=seed, save_strategy="no", beta=0.0,
        )  # fmt: skip
        data = Dataset.from_dict({"prompt": [f"{a} {b}" for a in LETTERS for b in LETTERS]})
        trainer = GRPOTrainer(model, letters_a, settings, data, processing_class=tokenizer())
        trainer.train()
        trainer.save_state()
        shutil.copy(Path(place, "trainer_state.json"), folder)
    reached = float(next(row["reward"] for row in reversed(trainer.state.log_history) if "reward" in row))
    packages = ("trl", "transformers", "torch")
    label.write(
        folder,
        "trl_grpo",
        "grpo",
        "letters",
        fault,
        FAULTS[fault],
        reached,
        packages,
        ["group-rewards-equal"] if fault else [],
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for one in FAULTS:
        train(Path(sys.argv[1]), one, 0)
