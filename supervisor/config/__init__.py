"""What the user wants: the table of options, reading them, and the settings that come of it. All of it is pure."""
