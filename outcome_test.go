package salebot_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

func TestWordsAreTexts(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]any{
		"outcomes": []salebot.Outcome{
			salebot.OutcomeUnknown, salebot.OutcomeNotSent, salebot.OutcomeRejected, salebot.OutcomeAccepted,
			salebot.OutcomeNotTried, salebot.OutcomeIncomplete, salebot.OutcomeFailed,
		},
		"classes": []salebot.SafetyClass{salebot.Once, salebot.Idempotent, salebot.Read},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"classes":["once","idempotent","read"],
		"outcomes":["unknown","not sent","rejected","accepted","not tried","incomplete","failed"]}`, string(text))
}

func TestClassesAndOutcomes(t *testing.T) {
	t.Parallel()
	for class, name := range map[salebot.SafetyClass]string{salebot.Once: "once", salebot.Idempotent: "idempotent", salebot.Read: "read", 9: "class 9"} {
		require.Equal(t, name, class.String())
	}
	for outcome, name := range map[salebot.Outcome]string{
		salebot.OutcomeUnknown: "unknown", salebot.OutcomeNotSent: "not sent", salebot.OutcomeRejected: "rejected", salebot.OutcomeAccepted: "accepted", salebot.OutcomeNotTried: "not tried",
		salebot.OutcomeIncomplete: "incomplete", salebot.OutcomeFailed: "failed", 99: "outcome 99",
	} {
		require.Equal(t, name, outcome.String())
	}
	var zeroClass salebot.SafetyClass
	var zeroOutcome salebot.Outcome
	require.Equal(t, salebot.Once, zeroClass, "forgetting the class is safe")
	require.Equal(t, salebot.OutcomeUnknown, zeroOutcome, "anything else needs proof")
}
