"""People who meet, talk, change their minds and come back: what their devices show at the end is what is stored."""
