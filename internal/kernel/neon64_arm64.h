// From here on, vectors are of two float64; so far they were of float32: see neon32_arm64.h.

#undef DOUBLE
#undef BITS
#undef FRACTION
#undef SIZE
#undef LOG
#undef LANES
#undef LOGLANES
#undef FMOV
#undef DUP0
#undef CONSTANTS
#undef REDUCED
#undef LOG1PPOLY
#undef LOGPOLY
#undef CENTREPOLY
#undef TAILPOLY
#undef LOSSGROUP
#undef SUMGROUP
#undef ADDLOSS
#undef SQUARELOSS
#undef FOLD
#undef SUMOF

#define DOUBLE (1<<22)
#define BITS 64
#define FRACTION 52
#define SIZE 8
#define LOG 3
#define LANES 2
#define LOGLANES 1
#define FMOV FMOVD
#define DUP0(d, n) TWO(0x4E080400, d, n)

#define CONSTANTS ·constants64(SB)
#define REDUCED REDUCED64
#define LOG1PPOLY ESTRIN11(LOG1PR)
#define LOGPOLY LOGPOLY64
#define CENTREPOLY CENTREPOLY64
#define TAILPOLY TAILPOLY64

#define LOSSGROUP GROUP8
#define SUMGROUP GROUP8
#define ADDLOSS ADDSAME
#define SQUARELOSS SQUARESAME
#define FOLD FOLD2
#define SUMOF SUMOF64
