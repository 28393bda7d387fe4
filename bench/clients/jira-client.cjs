'use strict';
const JiraApi = require('jira-client');
const { configuration, serve } = require('./lines.cjs');

const client = new JiraApi(configuration);

serve(({ method, parameters }) => client[method](...parameters));
