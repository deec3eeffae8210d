"""Weights of an SB3 policy as rows of the laboratory, and back."""

from __future__ import annotations

from typing import Any

import torch


def rows_of(model: Any) -> torch.Tensor:
    """Return the weights of an SB3 policy as rows of the laboratory."""
    named = {name: weight.detach() for name, weight in model.policy.named_parameters()}
    found = []
    for net, head in (("policy_net", "action_net"), ("value_net", "value_net")):
        names = [f"mlp_extractor.{net}.0", f"mlp_extractor.{net}.2", head]
        parts = [part for name in names for part in (named[f"{name}.weight"].T.flatten(), named[f"{name}.bias"])]
        if "log_std" in named and head == "action_net":
            parts.append(named["log_std"])
        found.append(torch.cat(parts))
    found[1] = torch.cat([found[1], torch.zeros(len(found[0]) - len(found[1]))])
    return torch.stack(found)


def load(model: Any, rows: torch.Tensor) -> None:
    """Put rows of the laboratory into an SB3 policy."""
    named = dict(model.policy.named_parameters())
    for row, net, head in ((rows[0], "policy_net", "action_net"), (rows[1], "value_net", "value_net")):
        start = 0
        for name in (f"mlp_extractor.{net}.0", f"mlp_extractor.{net}.2", head):
            weight, bias = named[f"{name}.weight"], named[f"{name}.bias"]
            weight.data = row[start : start + weight.numel()].view(weight.shape[1], weight.shape[0]).T.clone()
            start += weight.numel()
            bias.data = row[start : start + bias.numel()].clone()
            start += bias.numel()
        if head == "action_net" and "log_std" in named:
            named["log_std"].data = row[start:].clone()
