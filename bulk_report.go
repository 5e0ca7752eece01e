package salebot

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"
)

// BulkItem is what became of one item of a bulk run.
type BulkItem struct {
	// Key is the item's own key: its client, its id in the messenger, or what the
	// caller made of it.
	Key string
	// ClientID is the client, if the key is one or the run loaded it; otherwise 0.
	ClientID ClientID
	// Outcome is OutcomeAccepted, OutcomeRejected, OutcomeUnknown, OutcomeIncomplete
	// or OutcomeNotTried.
	Outcome Outcome
	// Earlier says that an earlier run decided it and that it was not sent now.
	Earlier bool
	// Err is why the item was not accepted; nil if it was, and for items that an
	// earlier run or a dry run decided.
	Err error
}

// bulkItemColumns are the columns of WriteCSV and the names of MarshalJSON.
var bulkItemColumns = [...]string{"key", "client_id", "outcome", "earlier", "error"}

// MarshalJSON writes the item with its outcome as a word and its error as a text.
func (i BulkItem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key      string   `json:"key"`
		ClientID ClientID `json:"client_id,omitempty"`
		Outcome  Outcome  `json:"outcome"`
		Earlier  bool     `json:"earlier,omitempty"`
		Error    string   `json:"error,omitempty"`
	}{i.Key, i.ClientID, i.Outcome, i.Earlier, i.errorText()})
}

func (i BulkItem) errorText() string {
	if i.Err == nil {
		return ""
	}
	return i.Err.Error()
}

// CSVHeader returns the columns of CSVRecord.
func (BulkItem) CSVHeader() []string { return bulkItemColumns[:] }

// CSVRecord returns the item as a line for a csv.Writer; use it in OnItem to keep what
// became of every item.
func (i BulkItem) CSVRecord() []string {
	client := ""
	if i.ClientID != 0 {
		client = strconv.FormatInt(int64(i.ClientID), 10)
	}
	return []string{i.Key, client, i.Outcome.String(), strconv.FormatBool(i.Earlier), i.errorText()}
}

// BulkReport sums up a bulk run. In JSON its outcomes are words.
type BulkReport struct {
	// Accepted, Rejected, Unknown, Incomplete and NotTried count the items by outcome.
	// Those that an earlier run decided are included. Items that were never read,
	// because the run ended before, are not counted.
	Accepted   int `json:"accepted"`
	Rejected   int `json:"rejected"`
	Unknown    int `json:"unknown"`
	Incomplete int `json:"incomplete"`
	NotTried   int `json:"not_tried"`
	// Earlier counts the items among them that an earlier run decided.
	Earlier int `json:"earlier"`
	// Requests counts the calls, or the items of ForEach that were worked on; of a dry
	// run, those that it would have made.
	Requests int `json:"requests"`
	// PaceWait is the time that requests waited for the pace that Salebot allows,
	// after answers of 429, added up over the workers. In JSON it is in nanoseconds.
	PaceWait time.Duration `json:"pace_wait"`
	// Problems lists items that were not accepted, the first 1000 of them; all of
	// them go through BulkOptions.OnItem.
	Problems []BulkItem `json:"problems"`
}

// Total counts all items.
func (r *BulkReport) Total() int {
	return r.Accepted + r.Rejected + r.Unknown + r.Incomplete + r.NotTried
}

// WriteCSV writes the problems of the report with a line of column names. Outcomes are
// words.
func (r *BulkReport) WriteCSV(w io.Writer) error {
	lines := csv.NewWriter(w)
	if err := lines.Write(bulkItemColumns[:]); err != nil {
		return err
	}
	for _, item := range r.Problems {
		if err := lines.Write(item.CSVRecord()); err != nil {
			return err
		}
	}
	lines.Flush()
	return lines.Error()
}

func (r *BulkReport) add(item BulkItem) {
	switch item.Outcome {
	case OutcomeAccepted:
		r.Accepted++
	case OutcomeRejected:
		r.Rejected++
	case OutcomeNotTried, OutcomeNotSent, OutcomeFailed:
		r.NotTried++
	case OutcomeUnknown:
		r.Unknown++
	case OutcomeIncomplete:
		r.Incomplete++
	}
	if item.Earlier {
		r.Earlier++
	}
	if item.Outcome != OutcomeAccepted && len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, item)
	}
}
