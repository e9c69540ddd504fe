//go:build !purego

package kernel

// batchNorm32NEON is, in vectors of 16 bytes,
//
//	for i := range n { hat[i] = (hat[i] - mean[i]) * rstd[i]; z[i] = FMA(hat[i], gamma[i], beta[i]) }
//
//go:noescape
func batchNorm32NEON(z, hat, mean, rstd, gamma, beta *float32, n int)

// batchNorm64NEON is batchNorm32NEON in float64.
//
//go:noescape
func batchNorm64NEON(z, hat, mean, rstd, gamma, beta *float64, n int)

// batchNormBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] = k[i] * FMA(-hat[i], c[i], grad[i]-a[i]) }
//
//go:noescape
func batchNormBack32NEON(grad, hat, k, a, c *float32, n int)

// batchNormBack64NEON is batchNormBack32NEON in float64.
//
//go:noescape
func batchNormBack64NEON(grad, hat, k, a, c *float64, n int)

// addSquares32NEON is, in vectors of 16 bytes,
//
//	for i := range n { d := x[i] - mean[i]; sum[i] = FMA(d, d, sum[i]) }
//
//go:noescape
func addSquares32NEON(sum, x, mean *float32, n int)

// addSquares64NEON is addSquares32NEON in float64.
//
//go:noescape
func addSquares64NEON(sum, x, mean *float64, n int)

// addProducts32NEON is, in vectors of 16 bytes,
//
//	for i := range n { sum[i] = FMA(x[i], y[i], sum[i]) }
//
//go:noescape
func addProducts32NEON(sum, x, y *float32, n int)

// addProducts64NEON is addProducts32NEON in float64.
//
//go:noescape
func addProducts64NEON(sum, x, y *float64, n int)

// center32NEON is, in vectors of 16 bytes,
//
//	for i := range n { x[i] -= mean; square[i] = x[i] * x[i] }
//
//go:noescape
func center32NEON(square, x *float32, n int, mean float32)

// center64NEON is center32NEON in float64.
//
//go:noescape
func center64NEON(square, x *float64, n int, mean float64)

// layerNorm32NEON is, in vectors of 16 bytes,
//
//	for i := range n { hat[i] *= rstd; z[i] = FMA(hat[i], gamma[i], beta[i]) }
//
//go:noescape
func layerNorm32NEON(z, hat, gamma, beta *float32, n int, rstd float32)

// layerNorm64NEON is layerNorm32NEON in float64.
//
//go:noescape
func layerNorm64NEON(z, hat, gamma, beta *float64, n int, rstd float64)

// products32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= gamma[i]; product[i] = grad[i] * hat[i] }
//
//go:noescape
func products32NEON(product, grad, hat, gamma *float32, n int)

// products64NEON is products32NEON in float64.
//
//go:noescape
func products64NEON(product, grad, hat, gamma *float64, n int)

// layerNormBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] = rstd * FMA(-hat[i], c, grad[i]-a) }
//
//go:noescape
func layerNormBack32NEON(grad, hat *float32, n int, rstd, a, c float32)

// layerNormBack64NEON is layerNormBack32NEON in float64.
//
//go:noescape
func layerNormBack64NEON(grad, hat *float64, n int, rstd, a, c float64)

// drop32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if keep[i] > 0 { dst[i] = src[i] * s } else { dst[i] = 0 } }
//
//go:noescape
func drop32NEON(dst, src, keep *float32, n int, s float32)

// drop64NEON is drop32NEON in float64.
//
//go:noescape
func drop64NEON(dst, src, keep *float64, n int, s float64)
