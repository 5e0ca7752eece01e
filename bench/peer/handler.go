package peer

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Pages builds the answer to get_clients.
type Pages func(offset, count int) []byte

// Handler answers like the service, at addresses that begin with a delay and the
// number of clients, such as /20ms/100000/{key}/get_clients. Pages are built once.
func Handler(message []byte, pages Pages) http.Handler {
	var known sync.Map
	mux := http.NewServeMux()
	mux.HandleFunc("/{delay}/{total}/{key}/{action}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		delay, err := time.ParseDuration(r.PathValue("delay"))
		if err != nil {
			http.Error(w, "bad delay", http.StatusBadRequest)
			return
		}
		body := message
		if r.PathValue("action") == "get_clients" {
			total, _ := strconv.Atoi(r.PathValue("total"))
			offset, _ := strconv.Atoi(r.FormValue("offset"))
			limit, _ := strconv.Atoi(r.FormValue("limit"))
			count := max(0, min(limit, total-offset))
			key := [2]int{offset, count}
			page, ok := known.Load(key)
			if !ok {
				page, _ = known.LoadOrStore(key, pages(offset, count))
			}
			body, _ = page.([]byte)
		}
		if delay > 0 {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
			}
		}
		header := w.Header()
		header["Content-Type"] = []string{"application/json"}
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
		_, _ = w.Write(body)
	})
	return mux
}

// Path is the part of the address that says how the server behaves.
func Path(delay time.Duration, total int) string {
	return "/" + delay.String() + "/" + strconv.Itoa(total)
}
