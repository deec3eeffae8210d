"""What ten million runs would need: ``python -m benchmarks.scale``, and a real cluster: ``python -m benchmarks.scale.cluster``."""
