package openapi

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// emulators are the settings under which every answer has to conform: the
// defaults, and the other forms that the evidence knows.
var emulators = map[string]salebottest.Answers{
	"the defaults": {},
	"other forms": {
		Sends: salebottest.SuccessJSON, Acknowledgements: salebottest.SuccessEmpty,
		SendToUnknownClient: salebottest.NotFoundJSON, ReadOfUnknownClient: salebottest.NotFoundJSON200,
		IDsAsText: true, ClientTimes: salebottest.TimesAsUnix, HistoryTimes: salebottest.TimesAsText,
		ValuesAsSent: true,
	},
}

// TestEmulatorAnswersFitTheDescription sends every golden request to the emulator:
// to a project that has the client, and to an empty one.
func TestEmulatorAnswersFitTheDescription(t *testing.T) {
	t.Parallel()
	for name, answers := range emulators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full := salebottest.New(t, salebottest.WithAnswers(answers), salebottest.WithPeople(
				salebottest.Person{ID: 25554, PlatformID: "100200300", ClientType: salebot.ClientTypeTelegram, Name: "Ann"},
				salebottest.Person{ID: 44000, PlatformID: "79000000000", ClientType: salebot.ClientTypeWhatsApp},
			), salebottest.WithOrders(salebottest.Order{ClientID: 25554}))
			defer full.Close()
			empty := salebottest.New(t, salebottest.WithAnswers(answers))
			defer empty.Close()
			answered := map[string]int{}
			for _, file := range goldenFiles(t) {
				text, err := fs.ReadFile(golden, file)
				require.NoError(t, err)
				for _, emulator := range []*salebottest.Emulator{full, empty} {
					action := checkAnswer(t, emulator, file, text)
					answered[action]++
				}
			}
			require.Len(t, answered, len(salebottest.Actions()), "an action has no golden request")
		})
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(golden, "requests/*/*.http")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// checkAnswer sends one request and returns its action.
func checkAnswer(t *testing.T, emulator *salebottest.Emulator, file string, text []byte) string {
	t.Helper()
	request, err := ParseRequest(text)
	require.NoError(t, err, file)
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err, file)
	request.Body = io.NopCloser(bytes.NewReader(body))
	operation, err := document(t).CheckRequest(request)
	require.NoError(t, err, file)

	base, err := url.Parse(salebottest.BaseURL)
	require.NoError(t, err)
	address := *base
	address.Path = base.Path + "/" + emulator.Key() + "/" + operation.Action
	address.RawQuery = request.URL.RawQuery
	sent, err := http.NewRequestWithContext(t.Context(), request.Method, address.String(), bytes.NewReader(body))
	require.NoError(t, err, file)
	if kind := request.Header.Get("Content-Type"); kind != "" && !strings.Contains(kind, "{") {
		sent.Header.Set("Content-Type", kind)
	}
	response, err := emulator.Transport().RoundTrip(sent)
	require.NoError(t, err, file)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.NoError(t, operation.CheckResponse(t.Context(), response), "%s: %s", file, response.Status)
	return operation.Action
}
