// Writes golden.json: what atlassian-jwt 2.0.3 makes of requests, for the tests of package sign.
//
//   npm install && node generate.mjs > golden.json
//
// The random URLs leave out what only the library's own URL parser changes (Node's url.parse escapes some characters
// of paths, turns backslashes, and takes //a@b for a host) and names that JavaScript objects reserve.
import jwt from 'atlassian-jwt';

const bases = ['', 'https://app.example.com', 'https://app.example.com/', 'https://app.example.com/jira',
  'https://app.example.com/jira/', 'https://app.example.com/a%20b'];

const byHand = [
  'https://example.com', 'https://example.com/', 'https://example.com?', 'https://example.com?a=1', '/', '//', '///',
  '/hook', '/hook/', '/hook//', '//hook', '/jira', '/jira/', '/jira/hook?x=1', '/jirahook', '/a%20b/c', '/a%20b', '/x/jira',
  '/p%20q/r&s?user_id=admin&user_key=admin', '/%c3%a9', '/a/../b', '/a;b=c', '/a:b@c', '/http://x/y',
  '/x?', '/x?&', '/x?&&a=1&', '/x?=', '/x?=v', '/x?==', '/x?k', '/x?k&k', '/x?k=&k=1', '/x?e=', '/x?a=b=c',
  '/x?a=1&A=2&b=3,4', '/x?b=2&a=1&a=0&B', '/x?a=10&a=9&a=1', '/x?a1=1&a=2&a-=3&a%20=4', '/x?jwt=a', '/x?jwt', '/x?JWT=a&%6awt=b',
  '/x?a=x+y&b=x%20y&c=%2B', '/x?a=%', '/x?a=%2', '/x?a=%zz&b=%4', '/x?%25=%2525', '/x?k=%C3%A9*~!()%27', '/x?k=*~!()$@:;[]',
  '/x?\u00fc=1', '/x?a=%FF', '/x?a=%FF%FE', '/x?a=%c3%28', '/x?q=%E2%82%AC&q=%F0%9F%98%80', '/x?a?b=c?d', '/x?a/b=c/d',
  '/x?a=1;b=2', '/x?a=1#b=2', '/x#f', '/x?a=%26&b=%3D&%3D=%26', '/x?a%00b=%00', '/x?1=b&10=c&2=d', '/x?length=2&constructor=1',
];

let state = 20240229;
const random = n => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * n);
};
const pick = list => list[random(list.length)];
const text = (list, max) => Array.from({ length: random(max) }, () => pick(list)).join('');
const pathParts = ['a', 'B', '/', '/', '&', '%20', '%26', '+', ',', '=', '-', '~', '.', '%c3%a9', ':', ';', '!', '*', '(', 'jira'];
const queryParts = ['a', 'b', 'A', '0', 'jwt', '%6a', '%', '%4', '%20', '+', ',', '%2C', '*', '~', '!', '(', ')', '%27', '%c3%a9',
  '%E2%82%AC', '/', '?', ':', ';', '@', '$', '-', '_', '.', '%25', '%26', '%3d'];
const url = () => pick(['', 'https://app.example.com']) + '/' + text(pathParts, 6) + pick(['', '?']) +
  Array.from({ length: random(6) }, () => text(queryParts, 4) + pick(['', '=', '=', '=']) + text(queryParts, 4)).join('&');

const requests = byHand.map((url, i) => ({ method: i % 7 ? 'POST' : 'get', url, base: '' }));
for (const base of bases.slice(1)) {
  for (const url of byHand.slice(0, 24)) requests.push({ method: 'POST', url, base });
}
for (let i = 0; i < 200; i++) requests.push({ method: 'POST', url: url(), base: pick(bases) });

const golden = requests.map(({ method, url, base }, i) => {
  const request = jwt.fromMethodAndUrl(method, url);
  const line = {
    method, url, basePath: base.replace(/^https:..app.example.com/, ''),
    canonical: jwt.createCanonicalRequest(request, false, base),
  };
  if (i < 20) {
    line.qsh = jwt.createQueryStringHash(request, false, base);
    const claims = { iss: 'client-key', iat: 1700000000, exp: 1700000180, qsh: line.qsh };
    line.token = jwt.encodeSymmetric(claims, 'It\'s a Secret to Everybody');
  }
  return JSON.stringify(line);
});
process.stdout.write('[\n' + golden.join(',\n') + '\n]\n');
