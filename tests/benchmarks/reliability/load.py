TITLE = "load"
FAULTS = ()
