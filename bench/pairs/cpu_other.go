//go:build !unix

package pairs

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
