import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import { challenge } from './challenge.ts';
import { missingScopes, toolScopes } from './tool-scopes.ts';

const tools = { list: ['issues:read'], close: ['issues:read', 'issues:write'] };
const call = (name: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } });

describe('missingScopes', () => {
  it.each<[string, unknown, string[], string[]]>([
    ['a tool whose scopes are there', call('list'), ['issues:read'], []],
    ['a tool with one scope too few', call('close'), ['issues:read'], ['issues:write']],
    ['another method', { method: 'tools/list' }, [], []],
    ['a response', { jsonrpc: '2.0', id: 1, result: {} }, [], []],
    ['a batch', [call('list'), call('close')], [], ['issues:read', 'issues:write']],
    ['a tool that is not listed', call('drop'), ['issues:read'], ['issues:write']],
    ['a tool named like an object member', call('constructor'), [], ['issues:read', 'issues:write']],
    ['a call without a name', call(undefined), [], ['issues:read', 'issues:write']],
    ['no message at all', 'x', [], []],
  ])('of %s', (_name, message, scopes, missing) => {
    expect(missingScopes(message, { scopes }, { tools })).toEqual(missing);
  });

  it('of a caller without a token are all', () => {
    expect(missingScopes(call('list'), undefined, { tools })).toEqual(['issues:read']);
  });

  it('of unlisted tools can be set', () => {
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
    // What the parser of Express 4 leaves of a body that is not for it.
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

  it('lets a call with its scopes, and whatever is no call, through', async () => {
    expect((await post(call('list'))).status).toBe(200);
    expect((await post({ method: 'initialize' })).status).toBe(200);
    expect((await fetch(server.origin)).status).toBe(200);
  });

  it('answers 403 with a challenge that names what the tool needs', async () => {
    const response = await post(call('close'));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", error_description="The token lacks a scope that this tool needs", ' +
        `scope="issues:read issues:write", resource_metadata="${url}"`,
    );
    await expect(response.json()).resolves.toMatchObject({ error: 'insufficient_scope' });
  });

  it('answers 415 to a body that is not said to be JSON', async () => {
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

  it('does not let anything through unread', async () => {
    expect((await post(call('list'), '/unparsed')).status).toBe(500);
    expect((await post(call('list'), '/unparsed', 'application/json; charset=utf-8')).status).toBe(500);
    expect((await post(call('close'), '/text')).status).toBe(500);
    expect((await post(call('close'), '/raw')).status).toBe(500);
    expect((await post(JSON.stringify(call('close')), '/lax')).status).toBe(500);
    expect((await post(call('close'), '/express-4', 'text/plain; x=application/json')).status).toBe(415);
  });
});

describe('challenge', () => {
  it('quotes', () => {
    expect(challenge('Bearer', { a: 'x"y\\z', b: undefined })).toBe(String.raw`Bearer a="x\"y\\z"`);
  });
});
