"""What goes wrong in a simulated world: kinds of faults, each with a name that is counted when it has struck."""
