"""Two runs compared: settings side by side, and where their curves part."""
