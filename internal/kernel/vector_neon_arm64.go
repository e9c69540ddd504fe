//go:build !purego

package kernel

// relu32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if src[i] <= 0 { dst[i] = 0 } else { dst[i] = src[i] } }
//
//go:noescape
func relu32NEON(dst, src *float32, n int)

// relu64NEON is relu32NEON in float64.
//
//go:noescape
func relu64NEON(dst, src *float64, n int)

// leaky32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if src[i] > 0 { dst[i] = src[i] } else { dst[i] = p*src[i] } }
//
//go:noescape
func leaky32NEON(dst, src *float32, n int, p float32)

// leaky64NEON is leaky32NEON in float64.
//
//go:noescape
func leaky64NEON(dst, src *float64, n int, p float64)

// elu32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if src[i] > 0 { dst[i] = s*src[i] } else { dst[i] = p*Expm1(src[i]) } }
//
//go:noescape
func elu32NEON(dst, src *float32, n int, p, s float32)

// elu64NEON is elu32NEON in float64.
//
//go:noescape
func elu64NEON(dst, src *float64, n int, p, s float64)

// sigmoid32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = Sigmoid(src[i]) }
//
//go:noescape
func sigmoid32NEON(dst, src *float32, n int)

// sigmoid64NEON is sigmoid32NEON in float64.
//
//go:noescape
func sigmoid64NEON(dst, src *float64, n int)

// tanh32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = Tanh(src[i]) }
//
//go:noescape
func tanh32NEON(dst, src *float32, n int)

// tanh64NEON is tanh32NEON in float64.
//
//go:noescape
func tanh64NEON(dst, src *float64, n int)

// softplus32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = Softplus(src[i]) }
//
//go:noescape
func softplus32NEON(dst, src *float32, n int)

// softplus64NEON is softplus32NEON in float64.
//
//go:noescape
func softplus64NEON(dst, src *float64, n int)

// exp32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = Exp(src[i]) }
//
//go:noescape
func exp32NEON(dst, src *float32, n int)

// exp64NEON is exp32NEON in float64.
//
//go:noescape
func exp64NEON(dst, src *float64, n int)

// silu32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = src[i] * Sigmoid(src[i]) }
//
//go:noescape
func silu32NEON(dst, src *float32, n int)

// silu64NEON is silu32NEON in float64.
//
//go:noescape
func silu64NEON(dst, src *float64, n int)

// gelu32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = src[i] * normalCDF(src[i]) }
//
//go:noescape
func gelu32NEON(dst, src *float32, n int)

// gelu64NEON is gelu32NEON in float64.
//
//go:noescape
func gelu64NEON(dst, src *float64, n int)

// mish32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = mish(src[i]) }
//
//go:noescape
func mish32NEON(dst, src *float32, n int)

// mish64NEON is mish32NEON in float64.
//
//go:noescape
func mish64NEON(dst, src *float64, n int)

// reluBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if !(z[i] > 0) { grad[i] = 0 } }
//
//go:noescape
func reluBack32NEON(grad, z, a *float32, n int)

// reluBack64NEON is reluBack32NEON in float64.
//
//go:noescape
func reluBack64NEON(grad, z, a *float64, n int)

// leakyBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if !(z[i] > 0) { grad[i] *= p } }
//
//go:noescape
func leakyBack32NEON(grad, z, a *float32, n int, p float32)

// leakyBack64NEON is leakyBack32NEON in float64.
//
//go:noescape
func leakyBack64NEON(grad, z, a *float64, n int, p float64)

// eluBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if z[i] > 0 { grad[i] *= s } else { grad[i] *= a[i] + p } }
//
//go:noescape
func eluBack32NEON(grad, z, a *float32, n int, p, s float32)

// eluBack64NEON is eluBack32NEON in float64.
//
//go:noescape
func eluBack64NEON(grad, z, a *float64, n int, p, s float64)

// sigmoidBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= a[i] * (1 - a[i]) }
//
//go:noescape
func sigmoidBack32NEON(grad, z, a *float32, n int)

// sigmoidBack64NEON is sigmoidBack32NEON in float64.
//
//go:noescape
func sigmoidBack64NEON(grad, z, a *float64, n int)

// tanhBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= (1 - a[i]) * (1 + a[i]) }
//
//go:noescape
func tanhBack32NEON(grad, z, a *float32, n int)

// tanhBack64NEON is tanhBack32NEON in float64.
//
//go:noescape
func tanhBack64NEON(grad, z, a *float64, n int)

// softplusBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= Sigmoid(z[i]) }
//
//go:noescape
func softplusBack32NEON(grad, z, a *float32, n int)

// softplusBack64NEON is softplusBack32NEON in float64.
//
//go:noescape
func softplusBack64NEON(grad, z, a *float64, n int)

// expBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= a[i] }
//
//go:noescape
func expBack32NEON(grad, z, a *float32, n int)

// expBack64NEON is expBack32NEON in float64.
//
//go:noescape
func expBack64NEON(grad, z, a *float64, n int)

// siluBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { s := Sigmoid(z[i]); grad[i] *= FMA(a[i], 1-s, s) }
//
//go:noescape
func siluBack32NEON(grad, z, a *float32, n int)

// siluBack64NEON is siluBack32NEON in float64.
//
//go:noescape
func siluBack64NEON(grad, z, a *float64, n int)

// geluBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= geluSlope(z[i]) }
//
//go:noescape
func geluBack32NEON(grad, z, a *float32, n int)

// geluBack64NEON is geluBack32NEON in float64.
//
//go:noescape
func geluBack64NEON(grad, z, a *float64, n int)

// mishBack32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] *= mishSlope(z[i]) }
//
//go:noescape
func mishBack32NEON(grad, z, a *float32, n int)

// mishBack64NEON is mishBack32NEON in float64.
//
//go:noescape
func mishBack64NEON(grad, z, a *float64, n int)

// sgd32NEON is, in vectors of 16 bytes,
//
//	for i := range n { w[i] = FMA(rate, grad[i], w[i]) }
//
//go:noescape
func sgd32NEON(w, grad *float32, n int, rate float32)

// sgd64NEON is sgd32NEON in float64.
//
//go:noescape
func sgd64NEON(w, grad *float64, n int, rate float64)

// momentum32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(mu, v[i], grad[i]); w[i] = FMA(rate, v[i], w[i]) }
//
//go:noescape
func momentum32NEON(w, grad, v *float32, n int, rate, mu float32)

// momentum64NEON is momentum32NEON in float64.
//
//go:noescape
func momentum64NEON(w, grad, v *float64, n int, rate, mu float64)

// nesterov32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(mu, v[i], grad[i]); w[i] = FMA(rate, FMA(mu, v[i], grad[i]), w[i]) }
//
//go:noescape
func nesterov32NEON(w, grad, v *float32, n int, rate, mu float32)

// nesterov64NEON is nesterov32NEON in float64.
//
//go:noescape
func nesterov64NEON(w, grad, v *float64, n int, rate, mu float64)

// adam32NEON is, in vectors of 16 bytes,
//
//	for i := range n { m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); w[i] = FMA(rate, m[i]/FMA(√v[i], root, eps), keep*w[i]) }
//
//go:noescape
func adam32NEON(w, grad, m, v *float32, n int, rate, root, b1, c1, b2, c2, eps, keep float32)

// adam64NEON is adam32NEON in float64.
//
//go:noescape
func adam64NEON(w, grad, m, v *float64, n int, rate, root, b1, c1, b2, c2, eps, keep float64)

// scale32NEON is, in vectors of 16 bytes,
//
//	for i := range n { x[i] *= s }
//
//go:noescape
func scale32NEON(x *float32, n int, s float32)

// scale64NEON is scale32NEON in float64.
//
//go:noescape
func scale64NEON(x *float64, n int, s float64)

// add32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] += src[i] }
//
//go:noescape
func add32NEON(dst, src *float32, n int)

// add64NEON is add32NEON in float64.
//
//go:noescape
func add64NEON(dst, src *float64, n int)

// columnSums32NEON is, in vectors of 16 bytes,
//
//	for i := range rows { for j := range cols { dst[j] += src[i*stride+j] } }
//
//go:noescape
func columnSums32NEON(dst, src *float32, rows, cols, stride int)

// columnSums64NEON is columnSums32NEON in float64.
//
//go:noescape
func columnSums64NEON(dst, src *float64, rows, cols, stride int)

// softmax32NEON is, in vectors of 16 bytes,
//
//	each row of dst = softmax of that row of src
//
//go:noescape
func softmax32NEON(dst, src *float32, rows, cols int)

// softmax64NEON is softmax32NEON in float64.
//
//go:noescape
func softmax64NEON(dst, src *float64, rows, cols int)

// crossEntropy32NEON is, in vectors of 16 bytes,
//
//	sum[j%16] += y[j] * (lse - (z[j] - top)), row by row
//
//go:noescape
func crossEntropy32NEON(sum *float64, y, z, a *float32, rows, cols int)

// crossEntropy64NEON is crossEntropy32NEON in float64.
//
//go:noescape
func crossEntropy64NEON(sum *float64, y, z, a *float64, rows, cols int)

// crossEntropyDelta32NEON is, in vectors of 16 bytes,
//
//	sum[j%16] += y[j] * (lse - (z[j] - top)); delta[j] = FMA(a[j], Σy, -y[j]) * factor, row by row
//
//go:noescape
func crossEntropyDelta32NEON(sum *float64, y, z, a, delta *float32, rows, cols int, factor float32)

// crossEntropyDelta64NEON is crossEntropyDelta32NEON in float64.
//
//go:noescape
func crossEntropyDelta64NEON(sum *float64, y, z, a, delta *float64, rows, cols int, factor float64)

// binaryCrossEntropy32NEON is, in vectors of 16 bytes,
//
//	sum[i%16] += FMA(-z[i], y[i], max(z[i], 0)) + log1p(Exp(-|z[i]|))
//
//go:noescape
func binaryCrossEntropy32NEON(sum *float64, y, z *float32, cols int)

// binaryCrossEntropy64NEON is binaryCrossEntropy32NEON in float64.
//
//go:noescape
func binaryCrossEntropy64NEON(sum *float64, y, z *float64, cols int)

// binaryCrossEntropyDelta32NEON is, in vectors of 16 bytes,
//
//	sum[i%16] += FMA(-z[i], y[i], max(z[i], 0)) + log1p(Exp(-|z[i]|)); delta[i] = (a[i] - y[i]) * factor
//
//go:noescape
func binaryCrossEntropyDelta32NEON(sum *float64, y, z, a, delta *float32, cols int, factor float32)

// binaryCrossEntropyDelta64NEON is binaryCrossEntropyDelta32NEON in float64.
//
//go:noescape
func binaryCrossEntropyDelta64NEON(sum *float64, y, z, a, delta *float64, cols int, factor float64)

// squared32NEON is, in vectors of 16 bytes,
//
//	d := a[i] - y[i]; sum[i%16] += d²
//
//go:noescape
func squared32NEON(sum *float64, y, a *float32, cols int)

// squared64NEON is squared32NEON in float64.
//
//go:noescape
func squared64NEON(sum *float64, y, a *float64, cols int)

// squaredDelta32NEON is, in vectors of 16 bytes,
//
//	d := a[i] - y[i]; sum[i%16] += d²; delta[i] = d * factor
//
//go:noescape
func squaredDelta32NEON(sum *float64, y, a, delta *float32, cols int, factor float32)

// squaredDelta64NEON is squaredDelta32NEON in float64.
//
//go:noescape
func squaredDelta64NEON(sum *float64, y, a, delta *float64, cols int, factor float64)

// notFinite32NEON is, in vectors of 16 bytes,
//
//	sum[i%16] += x[i] - x[i]
//
//go:noescape
func notFinite32NEON(sum *float64, x *float32, cols int)

// notFinite64NEON is notFinite32NEON in float64.
//
//go:noescape
func notFinite64NEON(sum *float64, x *float64, cols int)

// adagrad32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(grad[i], grad[i], v[i]); w[i] = FMA(rate, grad[i]/(√v[i]+eps), w[i]) }
//
//go:noescape
func adagrad32NEON(w, grad, v *float32, n int, rate, eps float32)

// adagrad64NEON is adagrad32NEON in float64.
//
//go:noescape
func adagrad64NEON(w, grad, v *float64, n int, rate, eps float64)

// rmsprop32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); w[i] = FMA(rate, grad[i]/(√v[i]+eps), w[i]) }
//
//go:noescape
func rmsprop32NEON(w, grad, v *float32, n int, rate, b2, c2, eps float32)

// rmsprop64NEON is rmsprop32NEON in float64.
//
//go:noescape
func rmsprop64NEON(w, grad, v *float64, n int, rate, b2, c2, eps float64)

// rmspropMomentum32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); m[i] = FMA(mu, m[i], grad[i]/(√v[i]+eps)); w[i] = FMA(rate, m[i], w[i]) }
//
//go:noescape
func rmspropMomentum32NEON(w, grad, v, m *float32, n int, rate, mu, b2, c2, eps float32)

// rmspropMomentum64NEON is rmspropMomentum32NEON in float64.
//
//go:noescape
func rmspropMomentum64NEON(w, grad, v, m *float64, n int, rate, mu, b2, c2, eps float64)

// adadelta32NEON is, in vectors of 16 bytes,
//
//	for i := range n { v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); u := √(d[i]+eps)/√(v[i]+eps)*grad[i]; d[i] = FMA(b2, d[i], c2*(u*u)); w[i] = FMA(rate, u, w[i]) }
//
//go:noescape
func adadelta32NEON(w, grad, v, d *float32, n int, rate, b2, c2, eps float32)

// adadelta64NEON is adadelta32NEON in float64.
//
//go:noescape
func adadelta64NEON(w, grad, v, d *float64, n int, rate, b2, c2, eps float64)

// amsgrad32NEON is, in vectors of 16 bytes,
//
//	for i := range n { m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); if v[i] > top[i] { top[i] = v[i] }; w[i] = FMA(rate, m[i]/FMA(√top[i], root, eps), w[i]) }
//
//go:noescape
func amsgrad32NEON(w, grad, m, v, top *float32, n int, rate, root, b1, c1, b2, c2, eps float32)

// amsgrad64NEON is amsgrad32NEON in float64.
//
//go:noescape
func amsgrad64NEON(w, grad, m, v, top *float64, n int, rate, root, b1, c1, b2, c2, eps float64)

// nadam32NEON is, in vectors of 16 bytes,
//
//	for i := range n { m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); d := FMA(√v[i], root, eps); w[i] = FMA(rate, m[i]/d, FMA(ahead, grad[i]/d, w[i])) }
//
//go:noescape
func nadam32NEON(w, grad, m, v *float32, n int, rate, ahead, root, b1, c1, b2, c2, eps float32)

// nadam64NEON is nadam32NEON in float64.
//
//go:noescape
func nadam64NEON(w, grad, m, v *float64, n int, rate, ahead, root, b1, c1, b2, c2, eps float64)

// lion32NEON is, in vectors of 16 bytes,
//
//	for i := range n { u := FMA(b1, m[i], c1*grad[i]); m[i] = FMA(b2, m[i], c2*grad[i]); w[i] += rate*sign(u) }
//
//go:noescape
func lion32NEON(w, grad, m *float32, n int, rate, b1, c1, b2, c2 float32)

// lion64NEON is lion32NEON in float64.
//
//go:noescape
func lion64NEON(w, grad, m *float64, n int, rate, b1, c1, b2, c2 float64)

// addSign32NEON is, in vectors of 16 bytes,
//
//	for i := range n { grad[i] += s*sign(w[i]) }
//
//go:noescape
func addSign32NEON(grad, w *float32, n int, s float32)

// addSign64NEON is addSign32NEON in float64.
//
//go:noescape
func addSign64NEON(grad, w *float64, n int, s float64)

// clamp32NEON is, in vectors of 16 bytes,
//
//	for i := range n { if grad[i] > s { grad[i] = s } else if grad[i] < -s { grad[i] = -s } }
//
//go:noescape
func clamp32NEON(grad *float32, n int, s float32)

// clamp64NEON is clamp32NEON in float64.
//
//go:noescape
func clamp64NEON(grad *float64, n int, s float64)

// approach32NEON is, in vectors of 16 bytes,
//
//	for i := range n { dst[i] = FMA(s, src[i]-dst[i], dst[i]) }
//
//go:noescape
func approach32NEON(dst, src *float32, n int, s float32)

// approach64NEON is approach32NEON in float64.
//
//go:noescape
func approach64NEON(dst, src *float64, n int, s float64)
