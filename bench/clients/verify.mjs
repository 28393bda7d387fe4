// What receivers check deliveries with. Each verifier answers a question of its name.
import crypto from 'node:crypto';
import { verify } from '@octokit/webhooks-methods';
import jwt from 'atlassian-jwt';
import jsonwebtoken from 'jsonwebtoken';
import { Webhook } from 'standardwebhooks';
import lines from './lines.cjs';

const verifiers = {
  octokit: ({ secret, body, signature }) => verify(secret, body, signature),

  standardwebhooks: ({ secret, body, headers }) => {
    new Webhook(secret).verify(body, headers); // throws
    return true;
  },

  // standardwebhooks knows v1 only. This is what the specification says of v1a, done with what node has.
  ed25519: ({ publicKey, body, headers }) => {
    const x = Buffer.from(publicKey.replace(/^whpk_/, ''), 'base64').toString('base64url');
    const key = crypto.createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
    const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
    return headers['webhook-signature'].split(' ').some((signature) => {
      const [version, text] = signature.split(',');
      return version === 'v1a' && crypto.verify(null, signed, key, Buffer.from(text, 'base64'));
    });
  },

  jsonwebtoken: ({ token, secret }) => jsonwebtoken.verify(token, secret, { algorithms: ['HS256'] }),

  atlassian: ({ token, secret, method, url, baseUrl }) => {
    const claims = jwt.decodeSymmetric(token, secret, 'HS256');
    const qsh = jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url), false, baseUrl);
    return { claims, bound: claims.qsh === qsh };
  },
};

lines.serve(({ verifier, ...question }) => verifiers[verifier](question));
