"""``DoctorCallback``: the doctor inside any Stable-Baselines3 training."""
