TITLE = "platforms"
FAULTS = ()
