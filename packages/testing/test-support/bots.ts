import { type CredenceError, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import { type FakeIdp, fakeIdp, type FakeIdpOptions } from '@credence/testing';
import { afterEach, beforeEach, expect, jest } from '@jest/globals';

const opened: ServicePrincipal[] = [];

/** Closes the bots of `botWith` after each test, and fails a test that sends a request with the global fetch. */
export function withoutNetwork(): void {
  const network = jest.fn<typeof fetch>(() => Promise.reject(new Error('a request reached the network')));
  const realFetch = globalThis.fetch;
  beforeEach(() => {
    network.mockClear();
    globalThis.fetch = network;
  });
  afterEach(async () => {
    globalThis.fetch = realFetch;
    await Promise.all(opened.splice(0).map(async (bot) => bot.close()));
    expect(network).not.toHaveBeenCalled();
  });
}

export function botWith(options: ServicePrincipalOptions): ServicePrincipal {
  const bot = new ServicePrincipal(options);
  opened.push(bot);
  return bot;
}

/** A server with a tool for each scope, and one that fails. */
export const ISSUES: FakeIdpOptions['servers'] = {
  issues: {
    tools: {
      list_issues: {
        handler: ({ status }, { principal }) => `${String(status)} issues of ${principal}`,
        scopes: ['issues:read'],
      },
      create_issue: { handler: () => ({ id: 'H-1' }), scopes: ['issues:write'] },
      broken: () => {
        throw new Error('the database is away');
      },
    },
  },
};

/** A fake with the principal `reporting-bot` and the server `issues`. */
export function world(options: Partial<FakeIdpOptions> = {}): FakeIdp {
  return fakeIdp({ principals: { 'reporting-bot': {} }, servers: ISSUES, ...options });
}

/** The error with which `work` is refused. */
export async function refusal(work: Promise<unknown>): Promise<CredenceError> {
  return work.then(
    () => Promise.reject(new Error('nothing was refused')),
    (error: unknown) => error as CredenceError,
  );
}

/** Calls a tool with the principal's own fetch, as an MCP client does. */
export async function callTool(bot: ServicePrincipal, name: string, server = 'issues'): Promise<unknown> {
  const response = await bot.fetchFor(server)(bot.server(server).url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { status: 'open' } },
    }),
  });
  return response.json();
}
