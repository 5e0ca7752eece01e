package salebot_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
)

func TestNormalizePhone(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"79000000000": {
			"79000000000", "+79000000000", "89000000000", "9000000000", "+7 (900) 000-00-00", "8 (900) 000-00-00", "8-900-000-00-00",
			"8.900.000.00.00", " 7 900 000 00 00 ", "0079000000000", "00 7 900 000 00 00", "tel:+79000000000", "TEL:+7-900-000-00-00",
			"whatsapp:+79000000000", "79000000000@s.whatsapp.net", "79000000000@c.us", "79000000000@S.WhatsApp.Net", "whatsapp:79000000000@c.us",
			"+7\u00a0900\u202f000\u20090000", "8\u2013900\u2011000\u221200\u201200", "+7/900/000/00/00", "900 000 00 00", "\t+79000000000\n",
		},
		"77010000000": {"+7 701 000 00 00", "8 701 000 00 00", "77010000000"},
		"78000000000": {"8 800 000 00 00", "+7 800 000 00 00"},
		// With a plus, or in WhatsApp, the number is whole: these are Vietnam and
		// Germany, not Russia.
		"84912345678":     {"+84 912 345 678", "0084912345678", "84912345678@s.whatsapp.net", "84912345678@c.us"},
		"9512345678":      {"+95 12 345 678", "9512345678@c.us"},
		"4915112345678":   {"+49 151 12345678", "4915112345678"},
		"12025550123":     {"+1 (202) 555-0123", "12025550123"},
		"12345678":        {"12345678", "+12345678"},
		"123456789012345": {"123456789012345"},
	} {
		for _, spelling := range spellings {
			got, err := salebot.NormalizePhone(spelling)
			require.NoError(t, err, spelling)
			require.Equal(t, want, got, "%q", spelling)
		}
	}
	for _, text := range []string{
		"", " ", "+", "00", "phone", "1234567", "+1234567", "1234567890123456", "+7900000000x", "++79000000000", "7+9000000000", "a@b.com",
		"0900000000", "00090000000", "+0900000000", "79000000000@example.com", "7900 000 00 00 ext 5", "٧٩٠٠٠٠٠٠٠٠٠", "７９００００００００００", "79000000000,79000000001",
		"#{phone}", "None",
	} {
		got, err := salebot.NormalizePhone(text)
		require.Equal(t, salebot.ErrNotPhone, err, "%q; the number is not for logs", text)
		require.Empty(t, got)
	}
}

// Whatever comes out is a number in the form that it promises, and stands for
// itself when it is written with a plus.
func TestNormalizePhoneIsSettled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`(\+|00|tel:|whatsapp:)?[0-9 ().-]{6,20}(@c\.us)?`).Draw(r, "text")
		number, err := salebot.NormalizePhone(text)
		if err != nil {
			require.ErrorIs(r, err, salebot.ErrNotPhone)
			return
		}
		require.Regexp(r, `^[1-9][0-9]{7,14}$`, number)
		again, err := salebot.NormalizePhone("+" + number)
		require.NoError(r, err)
		require.Equal(r, number, again)
	})
}
