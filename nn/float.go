package nn

// Float is the precision of a network: float32 (the default, and the faster) or
// float64 (for gradient checks and tight tolerances). One implementation serves both.
type Float interface{ float32 | float64 }
