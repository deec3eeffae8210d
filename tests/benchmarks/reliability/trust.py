TITLE = "trust"
FAULTS = ()
