import type { FetchLike } from '@credence/protocol';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DeadOrigin, holdDeadOrigin } from '../../../../test/support/dead-origin.ts';
import { hangUp, startPeer } from '../../../../test/support/peer.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';

const AS = 'https://as.example';
let dead: DeadOrigin;
beforeEach(async () => {
  dead = await holdDeadOrigin();
});
afterEach(() => dead.close());

/** The URL that a fetch gets. */
const urlOf = (input: string | URL | Request) => (input instanceof Request ? input.url : input.toString());

/** A call to `url` by a bot whose token comes from a table, and whose calls go through `send`. */
async function call(url: string, send: FetchLike = (input, init) => fetch(input, init)) {
  const bot = new ServicePrincipal({
    servers: {
      notes: {
        url,
        issuer: AS,
        resource: url,
        tokenEndpoint: `${AS}/token`,
        flow: 'client-credentials',
        credential: noClientAuth({ clientId: 'bot' }),
      },
    },
    fetch: (input, init) =>
      urlOf(input).startsWith(AS)
        ? Promise.resolve(Response.json({ access_token: 'at-1', token_type: 'Bearer', expires_in: 300 }))
        : send(input, init),
  });
  try {
    return await refusalOf(bot.fetchFor('notes')(url, { method: 'POST', body: '{}' }));
  } finally {
    await bot.close();
  }
}

describe('a call whose connection was not made', () => {
  it('did not run if no process listens', async () => {
    const error = await call(`${dead.origin}/mcp`);
    expect(error).toMatchObject({
      code: 'unreachable',
      leg: 'call',
      contact: 'server-owner',
      causeCode: 'ECONNREFUSED',
    });
    expect(error.remedy).toMatch(/The call did not run\.$/u);
  });

  it.each([
    ['EMFILE', 'you', 'ulimit -n'],
    ['EAI_AGAIN', 'you', 'DNS'],
    ['CERT_HAS_EXPIRED', 'server-owner', 'renewed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'you', 'NODE_EXTRA_CA_CERTS'],
  ])('did not run because of %s, and the contact is %s', async (code, contact, remedy) => {
    const error = await call('https://mcp.example/mcp', async () => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
    });
    expect(error).toMatchObject({ code: 'unreachable', contact, causeCode: code });
    expect(error.remedy).toContain(remedy);
    expect(error.remedy).toMatch(/The call did not run\.$/u);
  });
});

it('a call whose connection ended may have run', async () => {
  const peer = await startPeer({ '*': hangUp() });
  try {
    const error = await call(`${peer.origin}/mcp`);
    expect(error).toMatchObject({ code: 'unreachable', contact: 'server-owner' });
    expect(error.remedy).toMatch(/The call may or may not have run\.$/u);
  } finally {
    await peer.close();
  }
});

it.each<[string, unknown]>([
  ['nothing', undefined],
  ['a plain object', { status: 200, headers: {}, body: {} }],
])("a call by a caller's fetch that returns %s has an error that names the option", async (_what, value) => {
  const error = await call('https://mcp.example/mcp', async () => value as Response);
  expect(error).toMatchObject({ code: 'invalid_configuration', contact: 'you' });
  expect(error.message).toContain('"fetch"');
});

it.each<[string, FetchLike, string]>([
  [
    'throws for 401',
    async () => {
      throw Object.assign(new Error('status code 401'), { response: new Response('', { status: 401 }) });
    },
    'it throws for the status 401',
  ],
  [
    'throws at once',
    () => {
      throw new Error('a fault');
    },
    'before it returned a promise',
  ],
  ['returns a Map', async () => ({ status: 200, headers: new Map(), body: null }) as unknown as Response, 'a Map'],
])("a call by a caller's fetch that %s has an error that names the option", async (_what, send, words) => {
  const error = await call('https://mcp.example/mcp', send);
  expect(error).toMatchObject({ code: 'invalid_configuration', contact: 'you' });
  expect(error.message).toContain(words);
});
