package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// customer is a struct as users have it.
type customer struct {
	Name    string    `salebot:"имя"`
	Phone   string    `salebot:"client.phone"`
	Age     int       `salebot:"age"`
	Total   uint64    `salebot:"total"`
	Sum     float64   `salebot:"sum"`
	Ratio   float32   `salebot:"ratio"`
	Paid    bool      `salebot:"paid"`
	Since   time.Time `salebot:"since,layout=2006-01-02 15:04:05"`
	Nick    *string   `salebot:"nick"`
	Kids    *int      `salebot:"kids"`
	Comment string    `salebot:"comment,omitempty"`
}

// What is written from a struct comes back equal, whatever the emulator is told about
// variables: EncodeVariables writes to the client.
func TestStructsComeBack(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]engine.Answers{
		"by default": {}, "the deal's hidden": {HideOrderVariables: true}, "as sent": {Values: engine.ValuesAsSent}, "undefined": {UnsetValue: "undefined", HideOrderVariables: true},
	} {
		client, _ := newClient(t, engine.WithAnswers(answers))
		rapid.Check(t, func(r *rapid.T) {
			word := rapid.StringMatching(`[a-zа-я <&"\\]{0,9}[xyzэюя]`)
			want := customer{
				Name: word.Draw(r, "name"), Phone: rapid.StringMatching(`(7[0-9]{10})?`).Draw(r, "phone"), Age: rapid.Int().Draw(r, "age"), Total: rapid.Uint64().Draw(r, "total"),
				Sum: rapid.Float64().Draw(r, "sum"), Ratio: rapid.Float32().Draw(r, "ratio"), Paid: rapid.Bool().Draw(r, "paid"),
				Since: time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "since"), 0).UTC(),
			}
			if rapid.Bool().Draw(r, "pointers") {
				want.Nick, want.Kids, want.Comment = new(word.Draw(r, "nick")), new(rapid.Int().Draw(r, "kids")), word.Draw(r, "comment")
			}
			loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser(salebot.PlatformID(rapid.StringMatching(`[1-9][0-9]{15}`).Draw(r, "id")), "my_shop_bot")})
			require.NoError(r, err)
			// A time in another zone is the same moment.
			sent := want
			sent.Since = sent.Since.In(time.FixedZone("", 3*60*60))
			variables, err := salebot.EncodeVariables(sent)
			require.NoError(r, err)
			_, err = client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: loaded[0].ID, Variables: variables})
			require.NoError(r, err)
			read, err := client.GetVariables(t.Context(), loaded[0].ID)
			require.NoError(r, err)
			var got customer
			require.NoError(r, read.Decode(&got))
			require.Equal(r, want, got, name)

			order, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: loaded[0].ID})
			require.NoError(r, err)
			deal := struct {
				Note string  `salebot:"note"`
				Sum  float64 `salebot:"sum,order"`
			}{word.Draw(r, "note"), want.Sum}
			variables, err = salebot.EncodeOrderVariables(nil, deal)
			require.NoError(r, err)
			_, err = client.SetOrderVariables(t.Context(), salebot.SetOrderVariablesRequest{ClientID: loaded[0].ID, OrderID: order, Variables: variables})
			require.NoError(r, err)
			read, err = client.GetOrderVariables(t.Context(), salebot.GetOrderVariablesRequest{ClientID: loaded[0].ID, OrderID: order})
			require.NoError(r, err)
			same := deal
			same.Note, same.Sum = "", 0
			require.NoError(r, read.Decode(&same))
			require.Equal(r, deal, same, name)
		})
	}
}
