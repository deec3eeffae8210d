"""Diagnoses that are kept in the user's folder for caches, so that runs which have not changed are not read again."""

from rldoctor.diagnosis.remembered.fingerprint import Fingerprints
from rldoctor.diagnosis.remembered.store import Store, open_store

__all__ = ["Fingerprints", "Store", "open_store"]
