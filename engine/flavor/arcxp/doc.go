// Package arcxp speaks the webhooks of Arc XP's Migration Center: the registration API (/migrations/v3/webhook), the
// routing of documents to webhooks by tags.webhookSubscriber, and the notification of a document that has reached a
// terminal status.
//
// Facts come from the page "Automatic notification of migration using webhooks integration" (dev.arcxp.com). Where it is
// silent, above all on delivery, a choice was made; docs/arcxp.md lists them all.
package arcxp
