#define rN R6 // elements to come

// EACH is the loop around a kernel, a macro that computes one vector: whole vectors first, then
// what is left, one element at a time in lane 0. ARGS sets rN and the pointers.
#define EACH(ARGS, LOAD, KERNEL, STORE) \
	ARGS                \
	MOVD $CONSTANTS, rK \
	SUBS $LANES, rN     \
	BLT  rest           \
vectors:                    \
	LOAD(FMOVQ, 16)     \
	KERNEL              \
	STORE(FMOVQ, 16)    \
	SUBS $LANES, rN     \
	BGE  vectors        \
rest:                       \
	ADDS $LANES, rN     \
	BEQ  done           \
elements:                   \
	LOAD(FMOV, SIZE)    \
	KERNEL              \
	STORE(FMOV, SIZE)   \
	SUBS $1, rN         \
	BNE  elements       \
done:                       \
	RET

// A parameter to all lanes of a register.
#define SCALAR(param, f, d) FMOV param(FP), f; DUP0(d, d)
