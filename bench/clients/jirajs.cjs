'use strict';
// jira.js as its users write it: a host and credentials.
globalThis.crypto ??= require('node:crypto').webcrypto; // which jira.js finds there from Node 20 on
const { Version2Client, Version3Client } = require('jira.js');
const { configuration, serve } = require('./lines.cjs');

const { version, host, authentication } = configuration;
const Client = { 2: Version2Client, 3: Version3Client }[version];
const client = new Client({ host, authentication });

serve(({ method, parameters }) => client.webhooks[method](parameters));
