// Package bench compares the SDK with the code that one would write
// without it: net/http with encoding/json, and bare resty. Its benchmarks are
// the usual ones; the command compare pairs them, which is how goals that are
// ratios are measured on a machine that is never quiet.
package bench
