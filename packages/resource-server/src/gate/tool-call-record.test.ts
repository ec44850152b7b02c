import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { loopback } from '../../../../test/support/roles/loopback.ts';
import { accessTokenGate, expressAccessToken } from './access-token-gate.ts';
import { callerOf } from './caller.ts';
import { toolCallRecords, toolScopes } from './tool-scopes.ts';
import type { ToolCallRecord } from './tool-call-record.ts';

const RESOURCE = 'https://mcp.example/mcp';
const time = new Date('2026-11-28T12:00:00Z');
const tools = { list: ['issues:read'], close: ['issues:write'] };
const call = (name?: string) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } });

/** What a verifier returns for the token of a user for whom a bot acts. */
const info = () => ({
  token: 'the-token',
  clientId: 'bot-at-as',
  scopes: ['issues:read'],
  expiresAt: 4_000_000_000,
  resource: new URL(RESOURCE),
  extra: { subject: 'alice', issuer: 'https://as.example', actor: { sub: 'reporting-bot' }, claims: {} },
});
const verifier = { resource: RESOURCE, checkAccessToken: async () => info() };
const who = { subject: 'alice', actor: 'reporting-bot', clientId: 'bot-at-as', issuer: 'https://as.example' };

describe('a record of a tool call', () => {
  it('names the human, the agent and the run, and contains no token', () => {
    const auth = { ...info(), extra: { ...info().extra, statedRun: 'run-1' } };
    const records = toolCallRecords([call('list'), { method: 'ping' }], auth, { tools, now: () => time });
    expect(records).toEqual([{ time, tool: 'list', granted: true, ...who, statedRun: 'run-1' }]);
    expect(JSON.stringify(records)).not.toContain('the-token');
  });

  it('says which scopes are missing, for each call of a batch', () => {
    expect(toolCallRecords([call('list'), call('close')], info(), { tools, now: () => time })).toEqual([
      { time, tool: 'list', granted: false, missingScopes: ['issues:write'], ...who },
      { time, tool: 'close', granted: false, missingScopes: ['issues:write'], ...who },
    ]);
  });

  it.each<[string, unknown, object]>([
    ['a message that is no call', { method: 'tools/list' }, []],
    ['a call without a name', call(), [{ granted: false }]],
    ['a name with control characters', call('a\u001b[31mb'), [{ tool: 'a [31mb' }]],
  ])('for %s', (_what, message, expected) => {
    expect(toolCallRecords(message, info(), { tools })).toMatchObject(expected);
  });

  it('has no caller without a verified token', () => {
    expect(toolCallRecords(call('list'), undefined, { tools, now: () => time })).toEqual([
      { time, tool: 'list', granted: false, missingScopes: ['issues:read'] },
    ]);
  });
});

describe('toolScopes with audit', () => {
  async function startServer(audit: (record: ToolCallRecord) => void) {
    const server = await loopback();
    const app = express();
    app.use(expressAccessToken({ verifier }), express.json(), toolScopes({ tools, audit }), (request, response) => {
      response.json(callerOf({ authInfo: (request as { auth?: unknown }).auth }).statedRun ?? null);
    });
    app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(500).end();
    });
    server.serve(app);
    const send = async (name: string, run?: string) =>
      fetch(server.origin, {
        method: 'POST',
        headers: {
          authorization: 'Bearer x',
          'content-type': 'application/json',
          ...(run !== undefined && { 'credence-run': run }),
        },
        body: JSON.stringify(call(name)),
      });
    return { send, close: () => server.close() };
  }

  it('records each call with the run that the client states, granted or not', async () => {
    const records: ToolCallRecord[] = [];
    const { send, close } = await startServer((record) => void records.push(record));
    expect(await (await send('list', `a b${'c'.repeat(900)}`)).json()).toBe(`ab${'c'.repeat(126)}`);
    expect((await send('close')).status).toBe(403);
    expect(records).toMatchObject([
      { tool: 'list', granted: true, ...who, statedRun: `ab${'c'.repeat(126)}` },
      { tool: 'close', granted: false, missingScopes: ['issues:write'], ...who },
    ]);
    expect(records[1]).not.toHaveProperty('statedRun');
    await close();
  });

  it('makes no call that cannot be recorded', async () => {
    const { send, close } = await startServer(() => {
      throw new Error('the disk is full');
    });
    expect((await send('list')).status).toBe(500);
    await close();
  });
});

describe('a gate', () => {
  it('adds the stated run to what a cached verification returns, without a change of the cached object', async () => {
    const cached = info();
    const gate = accessTokenGate({ verifier: { resource: RESOURCE, checkAccessToken: async () => cached } });
    const send = async (run?: string) =>
      gate(
        new Request(RESOURCE, {
          headers: { authorization: 'Bearer x', ...(run !== undefined && { 'credence-run': run }) },
        }),
      );
    expect(await send('run-1')).toMatchObject({ extra: { statedRun: 'run-1', subject: 'alice' } });
    expect(await send()).toBe(cached);
    expect(cached.extra).not.toHaveProperty('statedRun');
  });

  it('has the stated run in the record of a refused request', async () => {
    const refusals: unknown[] = [];
    const gate = accessTokenGate({ verifier: { ...verifier, onRefused: (refusal) => void refusals.push(refusal) } });
    await gate(new Request(RESOURCE, { headers: { 'credence-run': 'run-1' } }));
    expect(refusals).toMatchObject([{ code: 'no_token', statedRun: 'run-1' }]);
  });
});
