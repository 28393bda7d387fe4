'use strict';
// A Connect app on atlassian-connect-express that is installed in one site. Its routes for webhooks are those that the
// framework makes for the modules of the descriptor; every route is behind the framework's own check of the JWT. It
// tells what it accepted, and the status of what it did not.
const http = require('node:http');
const ace = require('atlassian-connect-express');
const express = require('express');
const { configuration, serve, tell } = require('./lines.cjs');

const { clientKey, sharedSecret, site, basePath } = configuration;

// The installation is kept in memory: what the site would have sent to /installed.
ace.store.register('memory', () => {
  const kept = new Map([['clientInfo ' + clientKey, { key: 'com.example.hooks', clientKey, sharedSecret, baseUrl: site }]]);
  return {
    get: async (key, owner) => kept.get(`${key} ${owner}`) ?? null,
    set: async (key, value, owner) => kept.set(`${key} ${owner}`, value),
    del: async (key, owner) => kept.delete(`${key} ${owner}`),
  };
});

// Standard output is for the tests.
const log = (...words) => console.error(...words);

const app = express();
const server = http.createServer(app).listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const localBaseUrl = `http://127.0.0.1:${port}${basePath}`;
  app.use((req, res, next) => {
    res.on('finish', () => res.statusCode >= 300 && tell({ refused: res.statusCode }));
    next();
  });
  app.use(express.json());
  const options = { config: { development: { port, localBaseUrl, watch: false, store: { adapter: 'memory' } } } };
  const addon = ace(app, options, { info: log, warn: log, error: log }, {}, () => {
    app.post([`${basePath}/migration`, `${basePath}/migration&more/events`], addon.authenticate(), (req, res) => {
      tell({ accepted: req.body, clientKey: req.context.clientKey });
      res.status(200).end();
    });
    tell({ listening: localBaseUrl });
  });
  for (const { event } of addon.descriptor.modules.webhooks) {
    addon.on(event, (_, body, req) => tell({ accepted: body, clientKey: req.context.clientKey }));
  }
  // A call of the site's API, signed by the framework.
  serve(({ method, url, json }) => new Promise((resolve, reject) => {
    addon.httpClient({ clientKey })[method]({ url, json }, (error, response, body) =>
      error ? reject(error) : resolve({ status: response.statusCode, body }));
  }));
});
