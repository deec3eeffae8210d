"""Trainings that answer a question: sweeps, treatments, the fault laboratory, and where they run."""
