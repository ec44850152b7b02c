import { once } from 'node:events';
import { Agent, createServer, IncomingMessage, request as httpRequest, type Server, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { Hono } from 'hono';
import { AS, IDP, RESOURCE, signIdJag } from '../../../../test/support/roles/tokens.ts';
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

/** Sends the body in these pieces, 20 ms apart. */
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
          const { statusCode: status, headers: responseHeaders } = response;
          resolve({ status, cacheControl: responseHeaders['cache-control'], body: isJson ? JSON.parse(text) : text });
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

/** The next handler: reads the request's body from the stream and sends it back. */
const nextHandler: express.RequestHandler = (request, response, next) => {
  const chunks: Uint8Array[] = [];
  request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  request.on('end', () => response.json({ others: Buffer.concat(chunks).toString() }));
  request.on('error', next);
};

describe('expressIdJag', () => {
  const alone = () => listen(express().post('/token', expressIdJag(endpoint()), nextHandler));
  const auth = { authorization: BASIC };

  it('handles requests for ID-JAGs', async () => {
    const url = await alone();
    await expect(send(url, [own], auth)).resolves.toMatchObject(granted);
    await expect(send(url, thirds(own), auth)).resolves.toMatchObject(granted);
    expect(records).toMatchObject([{ granted: true }, { granted: true }]);
  });

  it.each<[string, readonly string[], Record<string, string>]>([
    ['another grant', [OTHER], {}],
    ['another grant in three pieces', thirds(OTHER), {}],
    ['another grant with a large body', [OTHER, '&x='.padEnd(300_000, 'x'), '&y=y'], {}],
    ['JSON', [JSON.stringify({ grant_type: GRANT })], { 'content-type': 'application/json' }],
    [
      'multipart',
      [`--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--`],
      { 'content-type': 'multipart/form-data; boundary=x' },
    ],
    ['an empty body', [], {}],
    [
      'UTF-16',
      [Buffer.from(`grant_type=${GRANT}`, 'utf16le').toString('latin1')],
      { 'content-type': `${FORM}; charset=utf-16` },
    ],
  ])('passes on a request with %s unchanged', async (_name, pieces, headers) => {
    await expect(send(await alone(), pieces, headers)).resolves.toMatchObject({
      status: 200,
      body: { others: pieces.join('') },
    });
    expect(records).toEqual([]);
  });

  it('passes other grants on to a body parser, even after an asynchronous middleware', async () => {
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
    ['a repeated scope', `scope=a&scope=b&grant_type=${encodeURIComponent(GRANT)}`, 'a parameter is repeated'],
    ['a large body', `grant_type=${GRANT}&assertion=`.padEnd(150_000, 'x'), 'the body is too large'],
    [
      'a thousand parameters',
      `grant_type=${GRANT}${Array.from({ length: 1001 }, (_, at) => `&p${at}=1`).join('')}`,
      'there are too many parameters',
    ],
  ])('refuses %s, and records the refusal', async (_name, body, description) => {
    await expect(send(await alone(), [body], auth)).resolves.toMatchObject(refused(description));
    expect(records).toMatchObject([{ granted: false, error: 'invalid_request', reason: description }]);
  });

  it('refuses a body that is too large before its end, and the connection stays usable', async () => {
    const url = await alone();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const large = [`grant_type=${GRANT}&x=`, ...Array<string>(10).fill('x'.repeat(40_000))];
    await expect(send(url, large, auth, agent)).resolves.toMatchObject(refused('the body is too large'));
    await expect(send(url, [own], auth, agent)).resolves.toMatchObject(granted);
    agent.destroy();
  });

  it('handles a body that express.urlencoded() parsed, and passes on one that express.json() parsed', async () => {
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

  it.each<[string, express.RequestHandler]>([
    ['text', express.text({ type: '*/*' })],
    ['bytes', express.raw({ type: '*/*' })],
  ])('handles a body that a parser stored as %s, and passes on other grants', async (_name, parser) => {
    const app = express();
    app.use(parser);
    app.post('/token', expressIdJag(endpoint()), ({ body }, response) => void response.json(String(body)));
    const url = await listen(app);
    await expect(send(url, [own], auth)).resolves.toMatchObject(granted);
    await expect(send(url, [OTHER])).resolves.toMatchObject({ body: OTHER });
  });

  it('passes on a request whose body was read and not stored', async () => {
    const app = express();
    app.use((request, _response, next) => void request.resume().on('end', next));
    app.post('/token', expressIdJag(endpoint()), (_request, response) => void response.json('others'));
    await expect(send(await listen(app), [own], auth)).resolves.toMatchObject({ status: 200, body: 'others' });
    expect(records).toEqual([]);
  });

  it('handles a complete request without raw headers, as adapters for serverless functions create it', async () => {
    const request = Object.assign(new IncomingMessage(new Socket()), {
      complete: true,
      method: 'POST',
      headers: { 'content-type': FORM, ...auth, 'x-forwarded-for': ['192.0.2.1', '192.0.2.2'] },
      _read() {
        request.push(own);
        request.push(null);
      },
    });
    const status = await new Promise((resolve, reject) => {
      const response = Object.assign(new ServerResponse(request), { writeHead: resolve, end: () => undefined });
      void expressIdJag(endpoint())(request, response, reject);
    });
    expect(status).toBe(200);
    expect(seen[0]?.get('x-forwarded-for')).toBe('192.0.2.1, 192.0.2.2');
  });

  it('passes on a large form whose grant type is not in its first 64 KiB', async () => {
    const behind = `x=${'x'.repeat(300_000)}&grant_type=${encodeURIComponent(GRANT)}`;
    await expect(send(await alone(), [behind], auth)).resolves.toMatchObject({ body: { others: behind } });
    expect(records).toEqual([]);
  });

  it('passes headers to the endpoint, except those of the connection', async () => {
    await send(await alone(), [own], { ...auth, 'x-ssl-cert': 'c', 'proxy-authorization': 'Basic x', te: 'trailers' });
    const names = [...(seen[0]?.keys() ?? [])];
    expect(names).toEqual(expect.arrayContaining(['authorization', 'content-type', 'host', 'x-ssl-cert']));
    for (const name of ['proxy-authorization', 'te', 'connection', 'transfer-encoding'])
      expect(names).not.toContain(name);
  });

  it('calls next with an error if the client disconnects', async () => {
    const app = express();
    const isHere = new Promise<void>((resolve) => {
      app.use((_request, _response, next) => {
        next();
        resolve();
      });
    });
    app.post('/token', expressIdJag(endpoint()), nextHandler);
    const failure = new Promise((resolve) => {
      app.use(((error: unknown, _request, _response, _next) => resolve(error)) as express.ErrorRequestHandler);
    });
    const request = httpRequest(await listen(app), { method: 'POST', headers: { 'content-type': FORM } });
    request.on('error', () => undefined);
    request.write('grant_type=');
    await isHere;
    request.destroy();
    await expect(failure).resolves.toMatchObject({ code: 'ECONNRESET' });
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

  it('handles requests for ID-JAGs, and passes on other requests unread', async () => {
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
  ])('handles a request after a middleware that read the body by %s', async (_name, read) => {
    const app = appAfter(read);
    const body = `${own}&resource=${RESOURCE}&resource=${RESOURCE}`;
    const headers = { 'content-type': FORM, ...auth };
    const direct = await app.request('/token', { method: 'POST', headers, body });
    expect(direct.status).toBe(200);
    expect(direct.headers.get('cache-control')).toBe('no-store');
    await expect(send(await listen(getRequestListener(app.fetch)), [body], auth)).resolves.toMatchObject(granted);
  });

  it('passes on a request whose body was read from the raw request', async () => {
    const app = new Hono();
    app.use(async ({ req }, next) => {
      await req.raw.text();
      await next();
    });
    app.post('/token', honoIdJag(endpoint()), ({ json }) => json('others'));
    const response = await app.request('/token', { method: 'POST', headers: { 'content-type': FORM }, body: own });
    await expect(response.json()).resolves.toBe('others');
    expect(records).toEqual([]);
  });

  it('passes on a large form whose grant type is not in its first 64 KiB', async () => {
    const behind = `x=${'x'.repeat(300_000)}&grant_type=${encodeURIComponent(GRANT)}`;
    const body = { method: 'POST', headers: { 'content-type': FORM, ...auth }, body: behind };
    await expect((await appAfter().request('/token', body)).json()).resolves.toEqual({ others: behind });
    expect(records).toEqual([]);
  });
});

describe('expressIdJag on HTTP/2', () => {
  /** Sends the body in these pieces over a new HTTP/2 connection. */
  async function send2(pieces: readonly string[], headers: Record<string, string> = {}): Promise<Answer> {
    const handler = expressIdJag(endpoint());
    const server = http2.createServer((request, response) => {
      const next = () => {
        const chunks: Uint8Array[] = [];
        request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        request.on('end', () => response.end(JSON.stringify({ others: Buffer.concat(chunks).toString() })));
      };
      // The compatibility API of node:http2 accepts handlers for HTTP/1.
      void handler(request as unknown as IncomingMessage, response as unknown as ServerResponse, next);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const stream = session.request({ ':method': 'POST', ':path': '/token', 'content-type': FORM, ...headers });
      for (const piece of pieces) {
        stream.write(piece);
        await sleep(5);
      }
      stream.end();
      const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
      const body: unknown = await json(stream);
      return { status: head[':status'], cacheControl: head['cache-control'], body };
    } finally {
      session.destroy();
      server.close();
    }
  }

  it('handles requests for ID-JAGs, and passes on other requests unchanged', async () => {
    const auth = { authorization: BASIC };
    for (const pieces of [[own], thirds(own)]) await expect(send2(pieces, auth)).resolves.toMatchObject(granted);
    await expect(send2([own], { ...auth, 'content-length': String(own.length) })).resolves.toMatchObject(granted);
    for (const pieces of [[OTHER], thirds(OTHER)]) {
      await expect(send2(pieces)).resolves.toMatchObject({ status: 200, body: { others: OTHER } });
    }
  });
});
