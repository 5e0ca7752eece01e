package salebot_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

func TestBlocksDecode(t *testing.T) {
	t.Parallel()
	var block salebot.Block
	require.NoError(t, json.Unmarshal([]byte(`{"id":"5","condition":null,"answer":7,"message_type":"2","description":"x"}`), &block))
	require.Equal(t, salebot.Block{ID: 5, Answer: "7", Type: 2, Description: "x"}, block)
	for _, text := range []string{`{}`, `{"id":{}}`, `{"id":-1}`, `{"ID":1}`} {
		require.Error(t, json.Unmarshal([]byte(text), &block), text)
	}
	require.Equal(t, salebot.BlockID(5), block.ID, "a failure changes nothing")
}
