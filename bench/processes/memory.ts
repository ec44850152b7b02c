import { clientSecret, type FetchLike, fromIdToken, ServicePrincipal } from '@credence/core';
import { answer } from './rpc.ts';

const IDP = 'http://127.0.0.1:1';
const AS = 'http://127.0.0.1:2';
const MCP = 'http://127.0.0.1:3/mcp';

/**
 * A `fetch` that plays the IdP and the authorization server without a connection. Its ID-JAGs and access tokens (43
 * characters) are well-formed and of usual length. The ID-JAG signature is not valid: the principal does not verify it.
 */
function peers(count: { issued: number }): FetchLike {
  const signature = 'A'.repeat(86);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'a-key-of-the-idp' });
  return async (input, init) => {
    count.issued += 1;
    const form = init?.body instanceof URLSearchParams ? init.body : new URLSearchParams();
    const scope = form.get('scope') ?? '';
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith(IDP)) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const claims = {
        iss: IDP,
        sub: 'bench-bot',
        aud: AS,
        client_id: 'bench-bot-at-as',
        jti: `b7c0d5de-5f52-4c8e-9b4b-${String(count.issued).padStart(12, '0')}`,
        resource: MCP,
        scope,
        iat: nowSeconds,
        exp: nowSeconds + 300,
      };
      return Response.json({
        access_token: `${header}.${part(claims)}.${signature}`,
        issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        token_type: 'N_A',
        expires_in: 300,
      });
    }
    return Response.json({
      access_token: String(count.issued).padStart(43, 'x'),
      token_type: 'Bearer',
      expires_in: 3600,
    });
  };
}

async function usedBytes(): Promise<number> {
  for (let times = 0; times < 4; times += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function bytesPerToken(keys: number): Promise<number> {
  if (!globalThis.gc) throw new Error('needs --expose-gc');
  const count = { issued: 0 };
  const scopes = scopesFor(keys);
  const bot = new ServicePrincipal({
    idp: {
      issuer: IDP,
      tokenEndpoint: `${IDP}/token`,
      credential: clientSecret({ clientId: 'bench-bot', secret: 'secret-at-the-idp' }),
      subject: fromIdToken(() => 'the.id.token'),
    },
    servers: {
      bench: {
        url: MCP,
        issuer: AS,
        resource: MCP,
        tokenEndpoint: `${AS}/token`,
        credential: clientSecret({ clientId: 'bench-bot-at-as', secret: 'secret-at-the-as' }),
        scopes,
      },
    },
    cache: { maxTokens: keys + 1_000 },
    fetch: peers(count),
  });
  const pairs = pairsOf(scopes);
  const take = async (count: number) => {
    for (let taken = 0; taken < count; taken += 1) {
      const pair = pairs.next();
      if (pair.done) throw new Error('too few scopes');
      await bot.token('bench', { scopes: pair.value });
    }
  };
  // Before the measurement: compile the code, cache the metadata, and fill the bounded caches of ID-JAGs and subject tokens.
  await take(500);
  const before = await usedBytes();
  await take(keys);
  const after = await usedBytes();
  // Check that no token was evicted: a cached token causes no request.
  const { issued } = count;
  for (const [at, pair] of [...pairsOf(scopes)].slice(0, 500 + keys).entries()) {
    if (at % 100 === 0) await bot.token('bench', { scopes: pair });
  }
  if (count.issued !== issued) throw new Error('tokens were evicted during the measurement');
  await bot.close();
  return (after - before) / keys;
}

/** Scopes that form enough pairs: each pair of scopes is one cache key. */
function scopesFor(keys: number): readonly string[] {
  const count = Math.ceil(Math.sqrt(2 * (keys + 500))) + 2;
  return Array.from({ length: count }, (_, at) => `records:${String(at).padStart(3, '0')}`);
}

function* pairsOf(scopes: readonly string[]): Generator<readonly string[], void> {
  for (const [at, first] of scopes.entries()) {
    for (const second of scopes.slice(at + 1)) yield [first, second];
  }
}

const methods = { bytesPerToken };
export type MemoryMethods = typeof methods;

answer(methods);
