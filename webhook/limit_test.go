package webhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimit checks that the context ends when it should, for those who wait for it
// and for those who ask.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outer, cancel := context.WithCancel(context.WithValue(t.Context(), limitKey{}, "value"))
		cancel()
		begin := time.Now()
		l := &limit{Context: outer, until: begin.Add(time.Second)}
		if until, ok := l.Deadline(); !ok || !until.Equal(begin.Add(time.Second)) || l.Value(limitKey{}) != "value" || l.Err() != nil {
			t.Errorf("until %v, %v, value %v, error %v", until, ok, l.Value(limitKey{}), l.Err())
		}
		// Contexts that are made of it end with it.
		derived, stop := context.WithCancel(l)
		defer stop()
		<-derived.Done()
		if waited := time.Since(begin); waited != time.Second || derived.Err() != context.DeadlineExceeded {
			t.Errorf("ended after %v with %v", waited, derived.Err())
		}
		l.end(context.Canceled)
		if l.Err() != context.DeadlineExceeded {
			t.Errorf("the error became %v", l.Err())
		}

		asked := &limit{Context: t.Context(), until: time.Now().Add(time.Second)}
		<-time.After(time.Second)
		if asked.Err() != context.DeadlineExceeded {
			t.Errorf("who asks hears %v", asked.Err())
		}
		<-asked.Done()

		ended := &limit{Context: t.Context(), until: time.Now().Add(time.Hour)}
		done := ended.Done()
		ended.end(context.Canceled)
		<-done
		if ended.Err() != context.Canceled {
			t.Errorf("ended by its owner with %v", ended.Err())
		}
	})
}

type limitKey struct{}
