// What receivers check deliveries with. Each verifier answers a question of its name.
import { verify } from '@octokit/webhooks-methods';
import jwt from 'atlassian-jwt';
import jsonwebtoken from 'jsonwebtoken';
import lines from './lines.cjs';

const verifiers = {
  octokit: ({ secret, body, signature }) => verify(secret, body, signature),

  jsonwebtoken: ({ token, secret }) => jsonwebtoken.verify(token, secret, { algorithms: ['HS256'] }),

  atlassian: ({ token, secret, method, url, baseUrl }) => {
    const claims = jwt.decodeSymmetric(token, secret, 'HS256');
    const qsh = jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url), false, baseUrl);
    return { claims, bound: claims.qsh === qsh };
  },
};

lines.serve(({ verifier, ...question }) => verifiers[verifier](question));
