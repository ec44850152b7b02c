import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import { challenge } from './challenge.ts';
import { missingScopes, toolScopes } from './tool-scopes.ts';

const tools = { list: ['issues:read'], close: ['issues:read', 'issues:write'] };
const call = (name: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } });

describe('missingScopes', () => {
  it.each<[string, unknown, string[], string[]]>([
    ['a tool whose scopes the token has', call('list'), ['issues:read'], []],
    ['a tool one of whose scopes the token lacks', call('close'), ['issues:read'], ['issues:write']],
    ['another method', { method: 'tools/list' }, [], []],
    ['a response', { jsonrpc: '2.0', id: 1, result: {} }, [], []],
    ['a batch', [call('list'), call('close')], [], ['issues:read', 'issues:write']],
    ['a tool that is not in the table', call('drop'), ['issues:read'], ['issues:write']],
    ['a tool named like an object member', call('constructor'), [], ['issues:read', 'issues:write']],
    ['a call without a name', call(undefined), [], ['issues:read', 'issues:write']],
    ['a value that is not a message', 'x', [], []],
  ])('returns the missing scopes for %s', (_name, message, scopes, missing) => {
    expect(missingScopes(message, { scopes }, { tools })).toEqual(missing);
  });

  it('returns all scopes of the tool for a caller without an access token', () => {
    expect(missingScopes(call('list'), undefined, { tools })).toEqual(['issues:read']);
  });

  it('uses otherwise for a tool that is not in the table', () => {
    expect(missingScopes(call('drop'), { scopes: [] }, { tools, otherwise: [] })).toEqual([]);
  });
});

describe('toolScopes', () => {
  let server: Loopback;
  const url = 'https://mcp.example/.well-known/oauth-protected-resource/mcp';

  beforeAll(async () => {
    server = await loopback();
    const app = express();
    app.use((request, _response, next) => {
      Object.assign(request, { auth: { scopes: ['issues:read'] } });
      next();
    });
    app.use('/unparsed', toolScopes({ tools }));
    const parsers = {
      text: express.text({ type: '*/*' }),
      raw: express.raw({ type: '*/*' }),
      lax: express.json({ strict: false }),
    };
    for (const [name, parser] of Object.entries(parsers)) app.use(`/${name}`, parser, toolScopes({ tools }));
    // express.json() of Express 4 sets `body` to an empty object if the body is not JSON.
    app.use('/express-4', (request, _response, next) => {
      request.body = {};
      next();
    });
    app.use(express.json(), toolScopes({ tools, resourceMetadataUrl: url }), (_request, response) => {
      response.json({ ok: true });
    });
    app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(500).end();
    });
    server.serve((request, response) => app(request, response));
  });
  afterAll(() => server.close());

  const post = (message: unknown, path = '/', type = 'application/json') =>
    fetch(`${server.origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(message),
    });

  it('passes on a call whose scopes the token has, and messages that are not calls', async () => {
    expect((await post(call('list'))).status).toBe(200);
    expect((await post({ method: 'initialize' })).status).toBe(200);
    expect((await fetch(server.origin)).status).toBe(200);
  });

  it('responds with 403 and a challenge that lists the scopes of the tool', async () => {
    const response = await post(call('close'));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", error_description="The token lacks a scope that this tool needs", ' +
        `scope="issues:read issues:write", resource_metadata="${url}"`,
    );
    await expect(response.json()).resolves.toMatchObject({ error: 'insufficient_scope' });
  });

  it('responds with 415 to a body whose content type is not JSON', async () => {
    const body = JSON.stringify(call('list'));
    for (const type of [undefined, 'text/plain', 'application/jsonp', 'application/json-seq', 'application/x+json']) {
      const response = await fetch(server.origin, {
        method: 'POST',
        body: new TextEncoder().encode(body),
        headers: type === undefined ? {} : { 'content-type': type },
      });
      expect({ type, status: response.status }).toEqual({ type, status: 415 });
    }
  });

  it('passes on no body that is not parsed JSON', async () => {
    expect((await post(call('list'), '/unparsed')).status).toBe(500);
    expect((await post(call('list'), '/unparsed', 'application/json; charset=utf-8')).status).toBe(500);
    expect((await post(call('close'), '/text')).status).toBe(500);
    expect((await post(call('close'), '/raw')).status).toBe(500);
    expect((await post(JSON.stringify(call('close')), '/lax')).status).toBe(500);
    expect((await post(call('close'), '/express-4', 'text/plain; x=application/json')).status).toBe(415);
  });
});

describe('challenge', () => {
  it('escapes quotes and backslashes, and leaves out undefined parameters', () => {
    expect(challenge('Bearer', { a: 'x"y\\z', b: undefined })).toBe(String.raw`Bearer a="x\"y\\z"`);
  });
});
