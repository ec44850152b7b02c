import { gzipSync } from 'node:zlib';
import { oauthErrors } from '@credence/authorization-server';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import { jsonRpcErrors } from './json-rpc-errors.ts';

let server: Loopback;
const failures: unknown[] = [];

beforeEach(async () => {
  failures.length = 0;
  server = await loopback();
  const app = express();
  const onFailure = (error: unknown) => void failures.push(error);
  app.post('/mcp', express.json({ limit: '4mb' }), (request, response) => void response.json(request.body));
  app.post('/failure', () => {
    throw new Error('the secret of the server');
  });
  app.post('/half', (_request, response) => {
    response.writeHead(200);
    response.write('half');
    throw new Error('the secret of the server');
  });
  const token = express.Router();
  token.post('/', express.urlencoded({ extended: false }), (_request, response) => void response.json({}));
  token.post('/failure', () => {
    throw Object.assign(new Error('the secret of the server'), { status: 200 });
  });
  token.use(oauthErrors({ onFailure }));
  app.use('/token', token);
  app.use(jsonRpcErrors({ onFailure }));
  server.serve(app);
});
afterEach(() => server.close());

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${server.origin}${path}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': path.startsWith('/token') ? 'application/x-www-form-urlencoded' : 'application/json',
      ...headers,
    },
  });

describe('the error responses of an Express server', () => {
  it.each<[string, () => Promise<Response>, number, object]>([
    ['a body over 4 MB', () => post('/mcp', `"${'x'.repeat(4 * 1024 * 1024)}"`), 413, { error: { code: -32_000 } }],
    [
      'a small body that becomes over 4 MB',
      () =>
        post('/mcp', new Uint8Array(gzipSync(JSON.stringify('x'.repeat(5 * 1024 * 1024)))), {
          'content-encoding': 'gzip',
        }),
      413,
      { error: { code: -32_000 } },
    ],
    ['a body that is not JSON', () => post('/mcp', '{"jsonrpc":'), 400, { error: { code: -32_700 } }],
    ['a body that is a bare word', () => post('/mcp', 'nonsense'), 400, { error: { code: -32_700 } }],
    ['an unknown encoding', () => post('/mcp', '{}', { 'content-encoding': 'x' }), 415, { error: { code: -32_000 } }],
    ['an unknown charset', () => post('/mcp', '{}', { 'content-type': 'application/json; charset=x' }), 415, {}],
    ['a failure', () => post('/failure', '{}'), 500, { error: { code: -32_603, message: 'Internal error' } }],
  ])('for %s are JSON-RPC', async (_name, send, status, body) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: null, ...body });
    expect(text).not.toMatch(/secret|\bat .*\.[jt]s|node_modules/u);
    expect(failures).toHaveLength(status === 500 ? 1 : 0);
  });

  it.each<[string, () => Promise<Response>, number, string]>([
    ['a body that is too large', () => post('/token', `a=${'x'.repeat(200_000)}`), 413, 'invalid_request'],
    ['too many parameters', () => post('/token', '&a=1'.repeat(2000)), 413, 'invalid_request'],
    ['a failure', () => post('/token/failure', ''), 500, 'server_error'],
  ])('of a token endpoint for %s are OAuth errors', async (_name, send, status, error) => {
    const response = await send();
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({ error, error_description: expect.any(String) });
    expect(text).not.toMatch(/secret|\bat .*\.[jt]s|node_modules/u);
  });

  it('accept a body of 4 MB, and cut a response that has begun', async () => {
    expect((await post('/mcp', JSON.stringify({ text: 'x'.repeat(4_000_000) }))).status).toBe(200);
    await expect(post('/half', '{}').then((response) => response.text())).rejects.toThrow(TypeError);
    expect(failures).toHaveLength(1);
  });
});
