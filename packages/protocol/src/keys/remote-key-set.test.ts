import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import { defaultFetch, type FetchLike } from '../net/fetch-like.ts';
import { KeysUnavailableError, RemoteKeySet } from './remote-key-set.ts';

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

function keySet(jwksUri?: string, fetch: FetchLike = defaultFetch): RemoteKeySet {
  return new RemoteKeySet({ issuer: idp.origin, jwksUri, fetch });
}

/** Returns a fetch function, and a function that waits until every response to it is read. */
function trackedFetch(): { fetch: FetchLike; settled: () => Promise<void> } {
  const responses: Promise<Response>[] = [];
  const read = async (response: Response) => new Response(await response.arrayBuffer(), response);
  return {
    fetch: (input, init) => {
      const answer = defaultFetch(input, init).then(read);
      responses.push(answer);
      return answer;
    },
    settled: async () => {
      for (let seen = -1; seen !== responses.length;) {
        seen = responses.length;
        await Promise.allSettled(responses);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

function header(): { alg: string; kid: string } {
  return { alg: 'ES256', kid: String(keys.publicJwks().keys[0]?.kid) };
}

describe('RemoteKeySet', () => {
  it('discovers the URL of the key set once and caches the key set for ten minutes', async () => {
    const { fetch, settled } = trackedFetch();
    const set = keySet(undefined, fetch);
    await expect(set.keysFor(header(), 0)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 10 * MINUTE)).resolves.toHaveLength(1);
    await settled();
    expect(jwksHits()).toBe(1);
    await set.keysFor(header(), 10 * MINUTE + 1);
    await settled();
    expect(jwksHits()).toBe(2);
    expect(idp.hits.get('/.well-known/oauth-authorization-server')).toBe(1);
  });

  it('sends one request for 50 concurrent calls', async () => {
    const set = keySet();
    await Promise.all(Array.from({ length: 50 }, () => set.keysFor(header(), 0)));
    expect(jwksHits()).toBe(1);
  });

  it('fetches the key set again at once to find a new key', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    await keys.rotate();
    await expect(set.keysFor(header(), 1)).resolves.toHaveLength(1);
  });

  it('fetches the key set five times for unknown kids, and then once in ten seconds', async () => {
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

  it('uses the old key set for a day while the issuer does not answer, and recovers', async () => {
    const set = keySet();
    await set.keysFor(header(), 0);
    down();
    await expect(set.keysFor(header(), HOUR)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 23 * HOUR)).resolves.toHaveLength(1);
    await expect(set.keysFor(header(), 25 * HOUR)).rejects.toBeInstanceOf(KeysUnavailableError);
    up();
    await expect(set.keysFor(header(), 25 * HOUR + MINUTE)).resolves.toHaveLength(1);
  });

  it('sends one request in ten seconds to an issuer that fails', async () => {
    const { fetch, settled } = trackedFetch();
    const set = keySet(`${idp.origin}/jwks`, fetch);
    await set.keysFor(header(), 0);
    down();
    const requestsAfterMs: Record<number, number> = {};
    for (const ms of [0, 9999, 10_000, 19_999, 20_000, 29_999]) {
      await set.keysFor(header(), HOUR + ms);
      await settled();
      requestsAfterMs[ms] = jwksHits();
    }
    expect(requestsAfterMs).toEqual({ 0: 2, 9999: 2, 10_000: 3, 19_999: 3, 20_000: 4, 29_999: 4 });
  });

  it('returns a cached key without waiting for an issuer that does not answer', async () => {
    const hanging = new Promise<Response>(() => {});
    const answers = [Promise.resolve(Response.json(keys.publicJwks()))];
    const set = keySet(`${idp.origin}/jwks`, () => answers.pop() ?? hanging);
    await set.keysFor(header(), 0);
    // With the clock stopped, a call that waited for the issuer would never end.
    jest.useFakeTimers();
    try {
      for (const minutes of [11, 12, 19]) {
        await expect(set.keysFor(header(), minutes * MINUTE)).resolves.toHaveLength(1);
      }
    } finally {
      jest.useRealTimers();
    }
  });

  it('recovers from a fetch function that never ends and ignores its signal', async () => {
    jest.useFakeTimers();
    try {
      let hangs = true;
      const fetch = () => (hangs ? new Promise<never>(() => {}) : Promise.resolve(Response.json(keys.publicJwks())));
      const set = keySet(`${idp.origin}/jwks`, fetch);
      const refused = expect(set.keysFor(header(), 0)).rejects.toMatchObject({
        message: 'key set: no answer in time',
      });
      await jest.advanceTimersByTimeAsync(3000);
      await refused;
      hangs = false;
      await expect(set.keysFor(header(), 5000)).resolves.toHaveLength(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('returns a key that the issuer removed at most once more, and not after twenty minutes', async () => {
    const removed = header();
    const { fetch, settled } = trackedFetch();
    const set = keySet(undefined, fetch);
    const later = keySet();
    await Promise.all([set.keysFor(removed, 0), later.keysFor(removed, 0)]);
    keys = await createSigningKeys();
    await expect(set.keysFor(removed, 11 * MINUTE)).resolves.toHaveLength(1);
    await settled();
    await expect(set.keysFor(header(), 11 * MINUTE)).resolves.toHaveLength(1);
    await expect(set.keysFor(removed, 11 * MINUTE)).resolves.toEqual([]);
    await expect(later.keysFor(removed, 21 * MINUTE)).resolves.toEqual([]);
  });

  it('throws for an unknown kid while the issuer fails, and returns no keys when the issuer answers again', async () => {
    const set = keySet(`${idp.origin}/jwks`);
    await set.keysFor(header(), 0);
    down();
    const unknown = { alg: 'ES256', kid: 'unknown' };
    for (const ms of [1, 2, 5000]) {
      await expect(set.keysFor(unknown, ms)).rejects.toMatchObject({ message: 'key set: answered 503' });
    }
    expect(jwksHits()).toBe(2);
    await expect(set.keysFor(header(), 5000)).resolves.toHaveLength(1);
    up();
    await expect(set.keysFor(unknown, 11_000)).resolves.toEqual([]);
  });

  it('refuses an issuer and a jwksUri with plain http', () => {
    for (const options of [
      { issuer: 'http://idp.example' },
      { issuer: idp.origin, jwksUri: 'http://idp.example/jwks' },
    ]) {
      expect(() => new RemoteKeySet({ ...options, fetch: defaultFetch })).toThrow(TypeError);
    }
  });

  const refused: Record<string, () => unknown> = {
    'metadata of another issuer': () => {
      metadata['issuer'] = `${idp.origin}/`;
      return `metadata: the document is of another issuer, "${idp.origin}/"`;
    },
    'a jwks_uri on plain http elsewhere': () => {
      metadata['jwks_uri'] = 'http://keys.example/jwks';
      return 'metadata: the jwks_uri may not be requested, "http://keys.example/jwks"';
    },
    'a redirect': () => {
      idp.serve((request, response) =>
        request.url === '/jwks'
          ? response.writeHead(307, { location: `${idp.origin}/elsewhere` }).end()
          : response.end(JSON.stringify(request.url === '/elsewhere' ? keys.publicJwks() : metadata)),
      );
      return 'key set: answered 307';
    },
    'an endless response': () => {
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
      return 'key set: the answer is too large';
    },
    'an HTML page': () => {
      idp.serve((_request, response) => response.end('<html>503</html>'));
      return 'metadata: the answer is not JSON';
    },
    'a document that is not a key set': () => {
      idp.serve((request, response) => response.end(JSON.stringify(request.url === '/jwks' ? { keys: 7 } : metadata)));
      return 'key set: the document is not a key set';
    },
    'a server without metadata': () => {
      idp.serve((_request, response) => response.writeHead(404).end());
      return 'metadata: answered 404';
    },
    'metadata without jwks_uri': () => {
      delete metadata['jwks_uri'];
      return 'metadata: the document has no jwks_uri';
    },
    'a connection that breaks': () => {
      idp.serve((request) => request.socket.destroy());
      return expect.stringMatching(/^metadata: (?:UND_ERR_SOCKET|ECONNRESET)$/u);
    },
  };
  it.each(Object.keys(refused))('throws KeysUnavailableError with the reason for %s', async (name) => {
    const message = refused[name]?.();
    const failure: unknown = await keySet()
      .keysFor(header(), 0)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KeysUnavailableError);
    expect(failure).toMatchObject({ message });
  });

  it('fetches no metadata if jwksUri is configured', async () => {
    await expect(keySet(`${idp.origin}/jwks`).keysFor(header(), 0)).resolves.toHaveLength(1);
    expect([...idp.hits.keys()]).toEqual(['/jwks']);
  });

  it('finds the new URL of a key set that moved', async () => {
    const { fetch, settled } = trackedFetch();
    const set = keySet(undefined, fetch);
    await set.keysFor(header(), 0);
    metadata['jwks_uri'] = `${idp.origin}/moved`;
    idp.serve((request, response) => {
      if (request.url === '/jwks') response.writeHead(404).end();
      else response.end(JSON.stringify(request.url === '/moved' ? keys.publicJwks() : metadata));
    });
    await set.keysFor(header(), 11 * MINUTE);
    await settled();
    await keys.rotate();
    await expect(set.keysFor(header(), 12 * MINUTE)).resolves.toHaveLength(1);
  });
});
