// Package webhook receives what Salebot posts.
package webhook
