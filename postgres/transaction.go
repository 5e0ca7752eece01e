package postgres

import "github.com/salebot-go/salebot/webhook"

func (i *Inbox) settledBefore(webhook.Delivery) bool { return false }
