"""What the gate does, without HTTP: use cases on ports only."""

from imchat.gate.logic.gate import CodeSent, Gate, Registration
from imchat.gate.logic.operators import Operators
from imchat.gate.logic.policy import GatePolicy

__all__ = ["CodeSent", "Gate", "GatePolicy", "Operators", "Registration"]
