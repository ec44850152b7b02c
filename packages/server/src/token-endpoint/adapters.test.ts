import {
  Agent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { Hono } from 'hono';
import { AS, IDP, RESOURCE, signIdJag } from '../../test-support/tokens.ts';
import { createSigningKeys, type SigningKeys } from '../keys/signing-keys.ts';
import type { RedeemAuditRecord } from '../redeem/audit.ts';
import { accessTokenClaims } from './access-token-claims.ts';
import { expressIdJag, honoIdJag } from './adapters.ts';
import { idJagTokenEndpoint } from './id-jag-token-endpoint.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const FORM = 'application/x-www-form-urlencoded';
const BASIC = `Basic ${btoa('bot:secret')}`;
const OTHER = new URLSearchParams({ grant_type: 'client_credentials', scope: 'x' }).toString();

let keys: SigningKeys;
let own: string;
let records: RedeemAuditRecord[];
let seen: Headers[];
const servers: Server[] = [];

beforeAll(async () => {
  keys = await createSigningKeys();
  own = new URLSearchParams({ grant_type: GRANT, assertion: await signIdJag(keys) }).toString();
});
beforeEach(() => {
  records = [];
  seen = [];
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const endpoint = () =>
  idJagTokenEndpoint({
    issuer: AS,
    issuers: { [IDP]: { jwks: keys.publicJwks() } },
    resources: { [RESOURCE]: { scopes: ['a'] } },
    authenticateClient: (client, { headers }) => {
      seen.push(headers);
      return 'clientSecret' in client && client.clientSecret === 'secret' ? client.clientId : undefined;
    },
    issueAccessToken: (redemption) => keys.sign(accessTokenClaims(redemption, AS), { typ: 'at+jwt' }),
    audit: (record) => records.push(record),
  });

async function listen(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

interface Answer {
  readonly status: number | undefined;
  readonly cacheControl: string | undefined;
  readonly body: unknown;
}

/** Sends the body in these pieces, a moment apart. */
function send(
  url: string,
  pieces: readonly string[],
  headers: Record<string, string> = {},
  agent?: Agent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { agent, method: 'POST', headers: { 'content-type': FORM, ...headers } },
      (response) => {
        const chunks: Uint8Array[] = [];
        response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          const { statusCode: status, headers: answered } = response;
          resolve({ status, cacheControl: answered['cache-control'], body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    request.on('error', reject);
    const rest = async () => {
      for (const piece of pieces) {
        request.write(piece);
        await sleep(20);
      }
      request.end();
    };
    rest().catch(reject);
  });
}

const thirds = (text: string) => [text.slice(0, 20), text.slice(20, 60), text.slice(60)];
const granted = { status: 200, cacheControl: 'no-store', body: { scope: 'a' } };
const refused = (description: string) => ({
  status: 400,
  cacheControl: 'no-store',
  body: { error: 'invalid_request', error_description: description },
});

/** Reads the request as if nothing stood before it. */
const others: express.RequestHandler = (request, response, next) => {
  const chunks: Uint8Array[] = [];
  request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  request.on('end', () => response.json({ others: Buffer.concat(chunks).toString() }));
  request.on('error', next);
};

describe('expressIdJag', () => {
  const alone = () => listen(express().post('/token', expressIdJag(endpoint()), others));
  const auth = { authorization: BASIC };

  it('answers its own', async () => {
    const url = await alone();
    await expect(send(url, [own], auth)).resolves.toMatchObject(granted);
    await expect(send(url, thirds(own), auth)).resolves.toMatchObject(granted);
    expect(records).toMatchObject([{ granted: true }, { granted: true }]);
  });

  it.each<[string, readonly string[], Record<string, string>]>([
    ['another grant', [OTHER], {}],
    ['another grant, slowly', thirds(OTHER), {}],
    ['another grant that is large', [OTHER, '&x='.padEnd(300_000, 'x'), '&y=y'], {}],
    ['JSON', [JSON.stringify({ grant_type: GRANT })], { 'content-type': 'application/json' }],
    [
      'multipart',
      [`--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--`],
      { 'content-type': 'multipart/form-data; boundary=x' },
    ],
    ['no form', [], {}],
    [
      'UTF-16',
      [Buffer.from(`grant_type=${GRANT}`, 'utf16le').toString('latin1')],
      { 'content-type': `${FORM}; charset=utf-16` },
    ],
  ])('leaves %s as it came', async (_name, pieces, headers) => {
    await expect(send(await alone(), pieces, headers)).resolves.toMatchObject({
      status: 200,
      body: { others: pieces.join('') },
    });
    expect(records).toEqual([]);
  });

  it('leaves other grants to a body parser, also when somebody took time before it', async () => {
    const app = express();
    app.use((_request, _response, next) => void setTimeout(next, 20));
    const parsed: express.RequestHandler = ({ body }, response) => void response.json(body);
    app.post('/token', expressIdJag(endpoint()), express.urlencoded({ extended: false }), parsed);
    const url = await listen(app);
    for (const pieces of [[OTHER], thirds(OTHER)]) {
      await expect(send(url, pieces)).resolves.toMatchObject({
        body: { grant_type: 'client_credentials', scope: 'x' },
      });
    }
    await expect(send(url, [own], auth)).resolves.toMatchObject(granted);
  });

  it.each<[string, string, string]>([
    ['two grant types', `${OTHER}&grant_type=${encodeURIComponent(GRANT)}`, 'a parameter is repeated'],
    ['a scope twice', `scope=a&scope=b&grant_type=${encodeURIComponent(GRANT)}`, 'a parameter is repeated'],
    ['a large body', `grant_type=${GRANT}&assertion=`.padEnd(150_000, 'x'), 'the body is too large'],
    [
      'a thousand parameters',
      `grant_type=${GRANT}${Array.from({ length: 1001 }, (_, at) => `&p${at}=1`).join('')}`,
      'there are too many parameters',
    ],
  ])('answers %s, and leaves a record', async (_name, body, description) => {
    await expect(send(await alone(), [body], auth)).resolves.toMatchObject(refused(description));
    expect(records).toMatchObject([{ granted: false, error: 'invalid_request', reason: description }]);
  });

  it('answers a body that is too large before it ends, on a connection that goes on', async () => {
    const url = await alone();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const large = [`grant_type=${GRANT}&x=`, ...Array<string>(10).fill('x'.repeat(40_000))];
    await expect(send(url, large, auth, agent)).resolves.toMatchObject(refused('the body is too large'));
    await expect(send(url, [own], auth, agent)).resolves.toMatchObject(granted);
    agent.destroy();
  });

  it('takes what express.urlencoded() has parsed, and nothing of express.json()', async () => {
    const app = express();
    app.use(express.json(), express.urlencoded({ extended: true }));
    app.post('/token', expressIdJag(endpoint()), ({ body }, response) => void response.json({ others: body }));
    const url = await listen(app);
    await expect(send(url, [own], auth)).resolves.toMatchObject(granted);
    await expect(send(url, [`${own}&scope[a]=x`], auth)).resolves.toMatchObject(granted);
    await expect(send(url, [`${own}&scope=a&scope=b`], auth)).resolves.toMatchObject(
      refused('a parameter is repeated'),
    );
    await expect(send(url, [OTHER])).resolves.toMatchObject({ body: { others: { grant_type: 'client_credentials' } } });
    const json = JSON.stringify(Object.fromEntries(new URLSearchParams(own)));
    await expect(send(url, [json], { 'content-type': 'application/json', ...auth })).resolves.toMatchObject({
      body: { others: { grant_type: GRANT } },
    });
  });

  it('says so where something else has read the body', async () => {
    const app = express();
    app.use(express.text({ type: '*/*' }));
    app.post('/token', expressIdJag(endpoint()));
    app.use(((error: Error, _request, response, _next) => {
      response.status(500).json(`${error.name}: ${error.message}`);
    }) as express.ErrorRequestHandler);
    await expect(send(await listen(app), [own], auth)).resolves.toMatchObject({
      body: 'TypeError: expressIdJag: the body was read before, and not by express.urlencoded()',
    });
  });

  it('relays the headers, and not what is about the connection', async () => {
    await send(await alone(), [own], { ...auth, 'x-ssl-cert': 'c', 'proxy-authorization': 'Basic x', te: 'trailers' });
    const names = [...(seen[0]?.keys() ?? [])];
    expect(names).toEqual(expect.arrayContaining(['authorization', 'content-type', 'host', 'x-ssl-cert']));
    for (const name of ['proxy-authorization', 'te', 'connection', 'transfer-encoding'])
      expect(names).not.toContain(name);
  });

  it('hears no more from a client that went away', async () => {
    const failures: unknown[] = [];
    const app = express();
    app.post('/token', expressIdJag(endpoint()), others);
    app.use(((error: unknown, _request, _response, _next) => failures.push(error)) as express.ErrorRequestHandler);
    const request = httpRequest(await listen(app), { method: 'POST', headers: { 'content-type': FORM } });
    request.on('error', () => undefined);
    request.write('grant_type=');
    await sleep(30);
    request.destroy();
    await sleep(30);
    expect(failures).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    expect(records).toEqual([]);
  });
});

describe('honoIdJag', () => {
  const auth = { authorization: BASIC };
  const appAfter = (
    read?: (request: Request, context: { text(): Promise<string>; parseBody(): Promise<unknown> }) => unknown,
  ) => {
    const app = new Hono();
    app.use(async ({ req }, next) => {
      await read?.(req.raw, req);
      await next();
    });
    app.post('/token', honoIdJag(endpoint()), async ({ req, json }) => json({ others: await req.text() }));
    app.onError((error, { json }) => json(`${error.name}: ${error.message}`, 500));
    return app;
  };

  it('answers its own, and leaves the others unread', async () => {
    const url = await listen(getRequestListener(appAfter().fetch));
    await expect(send(url, thirds(own), auth)).resolves.toMatchObject(granted);
    await expect(send(url, [OTHER])).resolves.toMatchObject({ body: { others: OTHER } });
    await expect(send(url, [`${OTHER}&${own}`], auth)).resolves.toMatchObject(refused('a parameter is repeated'));
    const json = JSON.stringify({ grant_type: GRANT });
    await expect(send(url, [json], { 'content-type': 'application/json' })).resolves.toMatchObject({
      body: { others: json },
    });
  });

  it.each<[string, Parameters<typeof appAfter>[0]]>([
    ['text()', (_raw, request) => request.text()],
    ['parseBody()', (_raw, request) => request.parseBody()],
    ['a clone', (raw) => raw.clone().text()],
  ])('takes its own behind a middleware that read the body by %s', async (_name, read) => {
    const app = appAfter(read);
    const body = `${own}&resource=${RESOURCE}&resource=${RESOURCE}`;
    const headers = { 'content-type': FORM, ...auth };
    const direct = await app.request('/token', { method: 'POST', headers, body });
    expect([direct.status, direct.headers.get('cache-control')]).toEqual([200, 'no-store']);
    await expect(send(await listen(getRequestListener(app.fetch)), [body], auth)).resolves.toMatchObject(granted);
  });

  it('says so where the body was read behind its back', async () => {
    const app = appAfter((raw) => raw.text());
    const response = await app.request('/token', { method: 'POST', headers: { 'content-type': FORM }, body: own });
    await expect(response.json()).resolves.toBe(
      'TypeError: honoIdJag: the body was read before, and not through context.req',
    );
  });
});
