import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Loopback, loopback } from '../../test-support/loopback.ts';
import { defaultFetch } from './fetch-json.ts';
import { KeysUnavailableError, RemoteKeySet } from './remote-key-set.ts';
import { createSigningKeys, type SigningKeys } from './signing-keys.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let idp: Loopback;
let keys: SigningKeys;
let metadata: Record<string, unknown>;
let jwksHits: () => number;

beforeEach(async () => {
  idp = await loopback();
  keys = await createSigningKeys();
  metadata = { issuer: idp.origin, jwks_uri: `${idp.origin}/jwks` };
  jwksHits = () => idp.hits.get('/jwks') ?? 0;
  up();
});
afterEach(() => idp.close());

function up(): void {
  idp.serve((request, response) => {
    const body = request.url === '/jwks' ? keys.publicJwks() : metadata;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
}

function down(): void {
  idp.serve((_request, response) => response.writeHead(503).end());
}

function keySet(jwksUri?: string): RemoteKeySet {
  return new RemoteKeySet({ issuer: idp.origin, jwksUri, fetch: defaultFetch });
}

function header(): { alg: string; kid: string } {
  return { alg: 'ES256', kid: String(keys.publicJwks().keys[0]?.kid) };
}

describe('RemoteKeySet', () => {
  it('discovers the key set once and keeps it for ten minutes', async () => {
    const set = keySet();
    await expect(set.keysFor(header(), 0)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 9 * MINUTE)).resolves.toHaveLength(1);
    expect(jwksHits()).toBe(1);
    await set.keysFor(header(), 11 * MINUTE);
    expect(jwksHits()).toBe(2);
    expect(idp.hits.get('/.well-known/oauth-authorization-server')).toBe(1);
  });

  it('fetches in one flight', async () => {
    const set = keySet();
    await Promise.all(Array.from({ length: 50 }, () => set.keysFor(header(), 0)));
    expect(jwksHits()).toBe(1);
  });

  it('finds a key published since, at once', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    await keys.rotate();
    await expect(set.keysFor(header(), 1)).resolves.toHaveLength(1);
  });

  it('lets unknown kids cause a handful of fetches and then one in ten seconds', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    for (let attempt = 0; attempt < 100; attempt += 1) {
      await expect(set.keysFor({ alg: 'ES256', kid: `made-up-${attempt}` }, 1)).resolves.toEqual([]);
    }
    expect(jwksHits()).toBe(6);
    await set.keysFor({ alg: 'ES256', kid: 'made-up' }, 10_001);
    await set.keysFor({ alg: 'ES256', kid: 'made-up' }, 10_002);
    expect(jwksHits()).toBe(7);
  });

  it('serves what it has while the issuer is away, for a day, and recovers', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    down();
    await expect(set.keysFor(header(), HOUR)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 23 * HOUR)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 25 * HOUR)).rejects.toBeInstanceOf(KeysUnavailableError);
    up();
    await expect(set.keysFor(header(), 25 * HOUR + MINUTE)).resolves.toHaveLength(1);
  });

  it('does not hammer an issuer that is away', async () => {
    const set = keySet(`${idp.origin}/jwks`);
    await set.keysFor(header(), 0);
    down();
    for (let second = 0; second < 30; second += 1) await set.keysFor(header(), HOUR + second * 1000);
    expect(jwksHits()).toBe(4);
  });

  const refused: Record<string, () => void> = {
    'metadata of another issuer': () => {
      metadata['issuer'] = 'https://other.example';
    },
    'a jwks_uri on plain http elsewhere': () => {
      metadata['jwks_uri'] = 'http://keys.example/jwks';
    },
    'a redirect': () => {
      idp.serve((request, response) =>
        request.url === '/jwks'
          ? response.writeHead(307, { location: `${idp.origin}/elsewhere` }).end()
          : response.end(JSON.stringify(request.url === '/elsewhere' ? keys.publicJwks() : metadata)),
      );
    },
    'an answer without end': () => {
      idp.serve((request, response) => {
        if (request.url !== '/jwks') {
          response.end(JSON.stringify(metadata));
          return;
        }
        const chunk = Buffer.alloc(64 * 1024, ' ');
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      });
    },
    'an HTML page': () => {
      idp.serve((_request, response) => response.end('<html>503</html>'));
    },
    'something that is no key set': () => {
      idp.serve((request, response) => response.end(JSON.stringify(request.url === '/jwks' ? { keys: 7 } : metadata)));
    },
  };
  it.each(Object.keys(refused))('has no keys from %s', async (name) => {
    refused[name]?.();
    await expect(keySet().keysFor(header(), 0)).rejects.toBeInstanceOf(KeysUnavailableError);
  });

  it('discovers nothing where the key set is pinned', async () => {
    await expect(keySet(`${idp.origin}/jwks`).keysFor(header(), 0)).resolves.toHaveLength(1);
    expect([...idp.hits.keys()]).toEqual(['/jwks']);
  });

  it('follows a key set that moved', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    metadata['jwks_uri'] = `${idp.origin}/moved`;
    idp.serve((request, response) => {
      if (request.url === '/jwks') response.writeHead(404).end();
      else response.end(JSON.stringify(request.url === '/moved' ? keys.publicJwks() : metadata));
    });
    await set.keysFor(header(), 11 * MINUTE);
    await keys.rotate();
    await expect(set.keysFor(header(), 12 * MINUTE)).resolves.toHaveLength(1);
  });
});
