import { randomUUID } from 'node:crypto';
import { verifyIdJag } from '@credence/authorization-server';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { median } from '../report/stats.ts';
import { answer } from './rpc.ts';

export interface Rates {
  /** Verifications per second, run one after the other. */
  readonly credence: number;
  /** The same for `jwtVerify`. */
  readonly bare: number;
  /** Median over the batches of Credence's rate divided by the rate of `jwtVerify`. */
  readonly ratio: number;
}

const ISSUER = 'https://idp.example';
const AUDIENCE = 'https://as.example';
const CLIENT_ID = 'bench-bot-at-as';
const RESOURCE = 'https://mcp.example/mcp';
const ID_JAGS = 200;
const WARM_UP = 60;
const BATCHES = 60;

const methods = {
  /** Compares `verifyIdJag` with cached keys to `jwtVerify` with its key. Their batches alternate. */
  async compare(): Promise<Rates> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256', use: 'sig' }] };
    const idJags = await Promise.all(Array.from({ length: ID_JAGS }, () => idJag(privateKey)));
    // as in an authorization server: the key set is fetched once from `jwksUri` and cached
    const options = {
      issuers: { [ISSUER]: { jwksUri: `${ISSUER}/jwks` } },
      audience: AUDIENCE,
      clientId: CLIENT_ID,
      resources: [RESOURCE],
      fetch: async () => Response.json(jwks),
    };
    const verify = {
      credence: (assertion: string) => verifyIdJag(assertion, options),
      bare: (assertion: string) =>
        jwtVerify(assertion, publicKey, { issuer: ISSUER, audience: AUDIENCE, typ: 'oauth-id-jag+jwt' }),
    };

    const rates = { credence: [] as number[], bare: [] as number[] };
    // An authorization server runs for a long time, so the measured code is warmed up until it is compiled.
    for (let batch = -WARM_UP; batch < BATCHES; batch += 1) {
      // The order alternates, because the second one also pays for collecting the garbage of the first.
      const order = batch % 2 === 0 ? (['credence', 'bare'] as const) : (['bare', 'credence'] as const);
      for (const name of order) {
        const rate = await rateOf(verify[name], idJags);
        if (batch >= 0) rates[name].push(rate);
      }
    }
    const ratios = rates.credence.map((rate, at) => rate / (rates.bare[at] ?? Number.NaN));
    return { credence: median(rates.credence), bare: median(rates.bare), ratio: median(ratios) };
  },
};
export type VerificationMethods = typeof methods;

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

function idJag(key: PrivateKey): Promise<string> {
  return new SignJWT({
    iss: ISSUER,
    sub: 'reporting-bot',
    aud: AUDIENCE,
    client_id: CLIENT_ID,
    jti: randomUUID(),
    resource: RESOURCE,
    scope: 'issues:read issues:write',
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'a' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
}

async function rateOf(verify: (assertion: string) => Promise<unknown>, idJags: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  for (const assertion of idJags) await verify(assertion);
  return (idJags.length * 1000) / (performance.now() - startedMs);
}

answer(methods);
