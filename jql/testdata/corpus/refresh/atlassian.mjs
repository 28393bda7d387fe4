// Reads filters from stdin, a JSON string a line, and writes the corpus to stdout: each filter with what
// Atlassian's parser makes of it. README.md beside the corpus explains the form of a line.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// The build for CommonJS is the one that Node can load without a bundler.
const { JastBuilder } = createRequire(import.meta.url)('@atlaskit/jql-ast');

const clauses = {
  compound: (c) => ({ [c.operator.value]: c.clauses.map(clause) }),
  not: (c) => ({ not: clause(c.clause) }),
  terminal: (c) => ({
    [c.operator.value]: [
      field(c.field),
      ...(c.operand ? [operand(c.operand)] : []),
      ...c.predicates.map((p) => ({ [p.operator.value]: operand(p.operand) })),
    ],
  }),
};

const operands = {
  value: (o) => o.value,
  keyword: () => null,
  function: (o) => ({ fn: [o.function.value, ...o.arguments.map((a) => a.value)] }),
  list: (o) => o.values.map(operand),
};

const clause = (c) => clauses[c.clauseType](c);
const operand = (o) => operands[o.operandType](o);

function field(f) {
  const properties = f.properties ?? [];
  if (properties.length === 0) return f.value;
  return [f.value, ...properties.flatMap((p) => [p.key.value, path(p.path ?? [])])];
}

// A path may be written in several arguments; what counts is the text of all of them.
const path = (parts) => parts.map((p) => p.value).join('').replace(/^\./, '');

const sort = (s) => ({ [s.direction?.value.toLowerCase() ?? 'by']: field(s.field) });

function line(jql) {
  const { query, errors } = new JastBuilder().build(jql);
  if (errors.length > 0) return { jql, ok: false };
  return {
    jql,
    ok: true,
    where: query?.where ? clause(query.where) : undefined,
    order: query?.orderBy?.fields.map(sort),
  };
}

const ascii = (json) => json.replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

for await (const text of createInterface({ input: process.stdin })) {
  process.stdout.write(ascii(JSON.stringify(line(JSON.parse(text)))) + '\n');
}
