'use strict';
// How the tests talk to a script: its configuration is its argument, a question is a line of JSON on standard input and
// the answer a line on standard output: {"answer": ...} or {"error": ...}. What a script says unasked is
// {"event": ...}. It ends when its input does.
const readline = require('node:readline');

exports.configuration = JSON.parse(process.argv[2] ?? '{}');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

exports.tell = (event) => say({ event });

exports.serve = async (answer) => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      say({ answer: await answer(JSON.parse(line)) });
    } catch (error) {
      say({ error: { message: String(error.message), status: error.status ?? error.statusCode ?? 0 } });
    }
  }
  process.exit(0);
};
