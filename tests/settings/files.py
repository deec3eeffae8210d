"""Settings files as each library writes them; every content below has the layout of a real one."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter


def ordered(table: Mapping[str, object]) -> str:
    """As RL Zoo's ``yaml.dump(OrderedDict(...))`` writes a table."""
    rows = [f"- {key}\n    - {value}" for key, value in table.items()]
    first, *rest = rows
    return "\n".join(["!!python/object/apply:collections.OrderedDict", f"- - {first}", *(f"  - {row}" for row in rest)])


ZOO_ARGS = ordered({"algo": "sac", "env": "Walker-v1", "n_timesteps": -1, "seed": 42, "tensorboard_log": "''"})
ZOO_CONFIG = ordered(
    {
        "batch_size": 256,
        "ent_coef": "auto",
        "learning_rate": "lin_7.3e-4",
        "n_timesteps": "500000.0",
        "normalize": "\"{'norm_obs': True, 'norm_reward': False}\"",
        "policy_kwargs": "dict(log_std_init=-3, net_arch=[400, 300], activation_fn=nn.ReLU)",
        "use_sde": "true",
    }
)
RSL_RL_AGENT = """\
seed: 42
device: cuda:0
num_steps_per_env: 24
max_iterations: 1500
empirical_normalization: false
policy:
  class_name: ActorCritic
  init_noise_std: 1.0
  actor_hidden_dims:
  - 512
  - 256
  - 128
  activation: elu
algorithm:
  class_name: PPO
  value_loss_coef: 1.0
  clip_param: 0.2
  entropy_coef: 0.005
  num_learning_epochs: 5
  num_mini_batches: 4
  learning_rate: 1.0e-3
  schedule: adaptive
  gamma: 0.99
  lam: 0.95
  desired_kl: 0.01
  max_grad_norm: 1.0
"""
RSL_RL_ENV = """\
viewer:
  eye: !!python/tuple
  - 7.5
  - 7.5
scene:
  num_envs: 4096
  class_type: !!python/name:isaaclab.scene.InteractiveScene ''
decimation: 4
"""
SKRL_AGENT = """\
seed: 42
models:
  separate: false
  policy:
    class: GaussianMixin
    initial_log_std: 0.0
    network:
    - name: net
      input: STATES
      layers: [32, 32]
      activations: elu
agent:
  class: PPO
  rollouts: 32
  learning_epochs: 8
  mini_batches: 8
  discount_factor: 0.99
  lambda: 0.95
  learning_rate: 5.0e-04
  learning_rate_scheduler: KLAdaptiveLR
  state_preprocessor: RunningStandardScaler
  value_preprocessor: RunningStandardScaler
  grad_norm_clip: 0
  ratio_clip: 0.2
  entropy_loss_scale: 0.0
  value_loss_scale: 2.0
  kl_threshold: 0.0
trainer:
  class: SequentialTrainer
  timesteps: 4800
"""
RL_GAMES_AGENT = """\
params:
  seed: 42
  algo:
    name: a2c_continuous
  network:
    space:
      continuous:
        sigma_init:
          name: const_initializer
          val: 0
    mlp:
      units: [64, 64]
      activation: elu
  config:
    env_name: rlgpu
    num_actors: 512
    gamma: 0.99
    tau: 0.95
    learning_rate: 3e-4
    lr_schedule: adaptive
    kl_threshold: 0.008
    max_epochs: 100
    grad_norm: 1.0
    entropy_coef: 0.0
    e_clip: 0.2
    horizon_length: 16
    minibatch_size: 8192
    mini_epochs: 8
    critic_coef: 4
    normalize_input: true
    normalize_value: true
    normalize_advantage: true
"""
RLLIB = {
    "env": "CartPole-v1",
    "lr": 0.0003,
    "gamma": 0.99,
    "lambda": 0.95,
    "clip_param": 0.2,
    "vf_loss_coeff": 1.0,
    "entropy_coeff": 0.01,
    "train_batch_size_per_learner": 4000,
    "minibatch_size": 128,
    "num_env_runners": 2,
    "num_envs_per_env_runner": 4,
    "num_epochs": 30,
    "grad_clip": None,
    "observation_filter": "MeanStdFilter",
    "rollout_fragment_length": "auto",
    "model": {"fcnet_hiddens": [256, 256], "fcnet_activation": "tanh"},
    "seed": 7,
}
CLEANRL = {
    "exp_name": "ppo_continuous_action",
    "seed": 1,
    "env_id": "Hopper-v4",
    "total_timesteps": 1000000,
    "learning_rate": 0.0003,
    "num_envs": 4,
    "num_steps": 2048,
    "anneal_lr": True,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "num_minibatches": 32,
    "update_epochs": 10,
    "norm_adv": True,
    "clip_coef": 0.2,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "target_kl": None,
}
CLEANRL_TEXT = "|param|value|\n|-|-|\n" + "\n".join(f"|{key}|{value}|" for key, value in CLEANRL.items())
TIANSHOU_TEXT = (
    "Namespace(task='Ant-v4', seed=4, buffer_size=4096, hidden_sizes=[64, 64], lr=0.0003, gamma=0.99, epoch=100, "
    "step_per_epoch=30000, step_per_collect=2048, repeat_per_collect=10, batch_size=64, training_num=8, test_num=10, "
    "rew_norm=True, vf_coef=0.25, ent_coef=0.0, gae_lambda=0.95, lr_decay=True, max_grad_norm=0.5, eps_clip=0.2)"
)
WANDB = """\
_wandb:
    value:
        cli_version: 0.19.1
        python_version: 3.11.7
algo:
    value: PPO
env_id:
    value: Pendulum-v1
learning_rate:
    value: 0.003
batch_size:
    value: 64
gamma:
    desc: null
    value: 0.9
"""
HYDRA = """\
seed: 3
env:
  id: Hopper-v4
  frame_skip: 4
agent:
  name: ppo
  lr: 3e-4
  gamma: 0.995
  gae_lambda: 0.9
  net_arch: [128, 128]
"""
# In pickle's oldest protocol: activation_fn (torch's class ReLU), log_std_init -1 and net_arch of 128 and 64 units.
_POLICY_KWARGS = (
    b"(dVactivation_fn\nctorch.nn.modules.activation\nReLU\nsVlog_std_init\nI-1\ns"
    b"Vnet_arch\n(dVpi\n(lI128\naI64\nasVvf\n(lI128\naI64\nass."
)
# The JSON entry of a PPO model that Stable-Baselines3 2.9 saved.
SB3_PPO: Mapping[str, Any] = {
    "policy_class": {
        ":type:": "<class 'abc.ABCMeta'>",
        ":serialized:": base64.b64encode(b"cstable_baselines3.common.policies\nActorCriticPolicy\n.").decode(),
    },
    "policy_kwargs": {":type:": "<class 'dict'>", ":serialized:": base64.b64encode(_POLICY_KWARGS).decode()},
    "num_timesteps": 102400,
    "_total_timesteps": 100000,
    "seed": 5,
    "learning_rate": 0.0003,
    "n_envs": 8,
    "n_steps": 256,
    "gamma": 0.98,
    "gae_lambda": 0.9,
    "ent_coef": 0.01,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "batch_size": 128,
    "n_epochs": 10,
    "clip_range": 0.2,
    "clip_range_vf": None,
    "normalize_advantage": True,
    "target_kl": None,
    "use_sde": False,
}


def write(path: Path, text: str) -> Path:
    """Write a settings file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_rl_zoo(folder: Path) -> None:
    """Write the settings of one run of the RL Zoo."""
    write(folder / "Walker-v1/args.yml", ZOO_ARGS)
    write(folder / "Walker-v1/config.yml", ZOO_CONFIG)


def saved_model(path: Path, data: Mapping[str, Any] = SB3_PPO) -> Path:
    """Write a model as Stable-Baselines3 saves it, without its tensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(data))
        archive.writestr("_stable_baselines3_version", "2.9.2")
    return path


def _events(path: Path, values: list[Summary.Value]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        for value in values:
            writer.write(Event(wall_time=1.7e9, summary=Summary(value=[value])).SerializeToString())
    return path


def event_text(path: Path, tag: str, text: str) -> Path:
    """Write an event file as ``SummaryWriter.add_text(tag, text)`` does."""
    value = Summary.Value(tag=f"{tag}/text_summary", tensor=TensorProto(dtype=7, string_val=[text.encode()]))
    value.metadata.plugin_data.plugin_name = "text"
    return _events(path, [value])


def event_hparams(path: Path, hparams: Mapping[str, Any]) -> Path:
    """Write an event file as ``SummaryWriter.add_hparams`` does."""
    data = HParamsPluginData()
    for name, value in hparams.items():
        kind = {bool: "bool_value", str: "string_value"}.get(type(value), "number_value")
        setattr(data.session_start_info.hparams[name], kind, value)
    value = Summary.Value(tag="_hparams_/session_start_info")
    value.metadata.plugin_data.plugin_name = "hparams"
    value.metadata.plugin_data.content = data.SerializeToString()
    return _events(path, [value])
