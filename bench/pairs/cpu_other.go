//go:build !unix

package pairs

import "time"

// ProcessorTime is not known here.
func ProcessorTime() time.Duration { return 0 }
