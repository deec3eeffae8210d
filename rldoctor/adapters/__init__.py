"""The doctor inside trainings of any library: a plain object, and what plugs it into rsl_rl and RLlib."""
