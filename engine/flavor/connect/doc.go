// Package connect reads the descriptors of Atlassian Connect apps: what they say of webhooks (modules.webhooks), of
// migration events (cloudAppMigration, regionBaseUrls), and of the app that these are for. The rest of a descriptor means
// nothing here.
//
// Facts come from the guides "Webhooks" and "Prepare your cloud app for Connect migration", and from the module's page of
// the Connect reference.
package connect
