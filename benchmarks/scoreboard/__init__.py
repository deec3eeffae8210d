"""The public scoreboard: the archive of faults, answered by rldoctor, by a literal table and by tools of others."""
