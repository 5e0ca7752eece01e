// Package pairs measures variants of the same work side by side: in short slices
// that take turns in random order, so that whatever else the machine does falls
// on all of them. A ratio is the median of the ratios of the rounds.
package pairs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Subject is one variant.
type Subject struct {
	Name string
	// Run does the work once.
	Run func(ctx context.Context) error
}

// Settings say how to measure.
type Settings struct {
	// Rounds is the number of slices for each subject.
	Rounds int
	// Slice is about how long one slice takes.
	Slice time.Duration
	// AtOnce is the number of goroutines that share the work of a slice.
	AtOnce int
}

// Result is what a subject took.
type Result struct {
	Name string
	// Time is the median time of one run.
	Time time.Duration
	// Ratio is the median of the time ratios to the first subject, Low and High
	// are its quartiles.
	Ratio, Low, High float64
	// Processor is the median of the ratios of processor time; 0 where the system
	// does not tell it.
	Processor float64
	// Allocs and Bytes are allocated by one run.
	Allocs, Bytes float64
}

// Compare measures the subjects; the first is the one that the others are
// compared with.
func Compare(ctx context.Context, settings Settings, subjects ...Subject) ([]Result, error) {
	counts := make([]int, len(subjects))
	for i, subject := range subjects {
		count, err := calibrate(ctx, settings, subject)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", subject.Name, err)
		}
		counts[i] = count
	}
	times := make([][]float64, len(subjects))
	processor := make([][]float64, len(subjects))
	allocs := make([][]float64, len(subjects))
	volumes := make([][]float64, len(subjects))
	for range settings.Rounds {
		for _, i := range rand.Perm(len(subjects)) { //nolint:gosec // an order needs no secrecy
			m, err := measure(ctx, subjects[i], counts[i], settings.AtOnce)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", subjects[i].Name, err)
			}
			times[i] = append(times[i], m.time)
			processor[i] = append(processor[i], m.processor)
			allocs[i] = append(allocs[i], m.allocs)
			volumes[i] = append(volumes[i], m.bytes)
		}
	}
	results := make([]Result, len(subjects))
	for i, subject := range subjects {
		ratios := make([]float64, settings.Rounds)
		processorRatios := make([]float64, settings.Rounds)
		for round := range ratios {
			ratios[round] = times[i][round] / times[0][round]
			if processor[0][round] > 0 {
				processorRatios[round] = processor[i][round] / processor[0][round]
			}
		}
		results[i] = Result{
			Name: subject.Name, Time: time.Duration(Quantile(times[i], 0.5)),
			Ratio: Quantile(ratios, 0.5), Low: Quantile(ratios, 0.25), High: Quantile(ratios, 0.75),
			Processor: Quantile(processorRatios, 0.5),
			Allocs:    Quantile(allocs[i], 0.5), Bytes: Quantile(volumes[i], 0.5),
		}
	}
	return results, nil
}

// calibrate finds out how many runs fill a slice, and warms up.
func calibrate(ctx context.Context, settings Settings, subject Subject) (int, error) {
	count := max(settings.AtOnce, 1)
	for {
		m, err := measure(ctx, subject, count, settings.AtOnce)
		if err != nil {
			return 0, err
		}
		took := time.Duration(m.time * float64(count))
		if took >= settings.Slice/2 {
			return max(1, int(float64(count)*float64(settings.Slice)/float64(took))), nil
		}
		count *= 2
	}
}

// measurement is what one run took, on average; times are in nanoseconds.
type measurement struct{ time, processor, allocs, bytes float64 }

func measure(ctx context.Context, subject Subject, count, atOnce int) (measurement, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, used := time.Now(), ProcessorTime()
	err := repeat(ctx, subject.Run, count, atOnce)
	took, used := time.Since(start), ProcessorTime()-used
	runtime.ReadMemStats(&after)
	n := float64(count)
	return measurement{
		time:      float64(took) / n,
		processor: float64(used) / n,
		allocs:    float64(after.Mallocs-before.Mallocs) / n,
		bytes:     float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, err
}

func repeat(ctx context.Context, run func(context.Context) error, count, atOnce int) error {
	if atOnce <= 1 {
		for range count {
			if err := run(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		left   atomic.Int64
		group  sync.WaitGroup
		mutex  sync.Mutex
		failed error
	)
	left.Store(int64(count))
	for range atOnce {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := run(ctx); err != nil {
					mutex.Lock()
					failed = errors.Join(failed, err)
					mutex.Unlock()
					return
				}
			}
		})
	}
	group.Wait()
	return failed
}

// Quantile returns the value below which a share of the values lies.
func Quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// Merge takes the medians of several comparisons of the same subjects.
func Merge(runs ...[]Result) []Result {
	merged := slices.Clone(runs[0])
	for i := range merged {
		median := func(value func(Result) float64) float64 {
			values := make([]float64, len(runs))
			for j, run := range runs {
				values[j] = value(run[i])
			}
			return Quantile(values, 0.5)
		}
		merged[i].Time = time.Duration(median(func(r Result) float64 { return float64(r.Time) }))
		merged[i].Ratio = median(func(r Result) float64 { return r.Ratio })
		merged[i].Low = median(func(r Result) float64 { return r.Low })
		merged[i].High = median(func(r Result) float64 { return r.High })
		merged[i].Processor = median(func(r Result) float64 { return r.Processor })
		merged[i].Allocs = median(func(r Result) float64 { return r.Allocs })
		merged[i].Bytes = median(func(r Result) float64 { return r.Bytes })
	}
	return merged
}
