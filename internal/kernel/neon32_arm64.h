// From here on, vectors are of four float32.

#define DOUBLE 0 // the bit of nearly all instructions that tells the precisions apart
#define BITS 32
#define FRACTION 23 // bits below the exponent
#define SIZE 4
#define LOG 2 // of SIZE
#define LANES 4
#define LOGLANES 2
#define FMOV FMOVS // an element; to load one makes the other lanes 0
#define DUP0(d, n) TWO(0x4E040400, d, n) // element 0 to all lanes

// Of functions_neon_arm64.h.
#define CONSTANTS ·constants32(SB)
#define REDUCED REDUCED32
#define LOG1PPOLY ESTRIN5(LOG1PR)
#define LOGPOLY LOGPOLY32
#define CENTREPOLY CENTREPOLY32
#define TAILPOLY TAILPOLY32

// Of loss_neon_arm64.s.
#define LOSSGROUP GROUP4WIDE
#define SUMGROUP GROUP4
#define ADDLOSS ADDWIDE
#define SQUARELOSS SQUAREWIDE
#define FOLD FOLD4
#define SUMOF SUMOF32
