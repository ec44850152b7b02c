import { CredenceError } from '@credence/core';
import { describe, expect, it } from '@jest/globals';
import { connecting } from './connecting.ts';

const refusal = new CredenceError({
  code: 'access_denied',
  leg: 'exchange',
  message: 'No.',
  remedy: 'Ask.',
  contact: 'idp-admin',
});

function closable(fails = false) {
  const closed = { times: 0, close: async () => undefined as void };
  closed.close = async () => {
    closed.times += 1;
    if (fails) throw new Error('cannot be closed');
  };
  return closed;
}

describe('connecting', () => {
  it('closes nothing if connect succeeds', async () => {
    const [client, transport] = [closable(), closable()];
    await connecting(async () => undefined, { client, transport, server: 'notes' }, undefined);
    expect({ closedClient: client.times, closedTransport: transport.times }).toEqual({
      closedClient: 0,
      closedTransport: 0,
    });
  });

  it('closes client and transport and throws the wrapped CredenceError, also if closing fails', async () => {
    const [client, transport] = [closable(true), closable(true)];
    const wrapped = new Error('negotiation failed', { cause: new Error('probe failed', { cause: refusal }) });
    const failing = connecting(async () => Promise.reject(wrapped), { client, transport, server: 'notes' }, undefined);
    await expect(failing).rejects.toBe(refusal);
    expect({ closedClient: client.times, closedTransport: transport.times }).toEqual({
      closedClient: 1,
      closedTransport: 1,
    });
  });

  it('throws an error that wraps no CredenceError unchanged', async () => {
    const other = new TypeError('another error');
    const opened = { client: closable(), transport: closable(), server: 'notes' };
    await expect(connecting(async () => Promise.reject(other), opened, undefined)).rejects.toBe(other);
  });

  it.each<[string, Error]>([
    ['v1', Object.assign(new Error('x'.repeat(2_000)), { name: '$ZodError' })],
    ['v1 with Zod 3', Object.assign(new Error('x'.repeat(2_000)), { name: 'ZodError' })],
    ['v2', Object.assign(new Error('x'.repeat(2_000)), { name: 'SdkError', code: 'INVALID_RESULT' })],
  ])('throws a CredenceError that names the server for a result that SDK %s cannot read', async (_sdk, thrown) => {
    const opened = { client: closable(), transport: closable(), server: 'notes' };
    await expect(connecting(async () => Promise.reject(thrown), opened, undefined)).rejects.toMatchObject({
      code: 'invalid_response',
      contact: 'server-owner',
      message: 'Server "notes" answered a request with a result that is not valid in MCP.',
    });
  });

  it('does not call connect if the signal was already aborted', async () => {
    const opened = { client: closable(), transport: closable(), server: 'notes' };
    let wasCalled = false;
    const result = connecting(
      async () => {
        wasCalled = true;
      },
      opened,
      AbortSignal.abort(new Error('too late')),
    );
    await expect(result).rejects.toThrow('too late');
    expect(wasCalled).toBe(false);
  });

  it('closes the client if the signal aborts when connect resolves', async () => {
    const opened = { client: closable(), transport: closable(), server: 'notes' };
    const caller = new AbortController();
    const result = connecting(async () => caller.abort(new Error('aborted')), opened, caller.signal);
    await expect(result).rejects.toThrow('aborted');
    expect(opened.client.times).toBe(1);
  });
});
