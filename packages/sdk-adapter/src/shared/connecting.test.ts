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
  it('closes nothing that was connected', async () => {
    const [client, transport] = [closable(), closable()];
    await connecting(async () => undefined, { client, transport }, undefined);
    expect({ closedClient: client.times, closedTransport: transport.times }).toEqual({
      closedClient: 0,
      closedTransport: 0,
    });
  });

  it('closes both and throws the refusal however deep it is, even where closing fails', async () => {
    const [client, transport] = [closable(true), closable(true)];
    const wrapped = new Error('negotiation failed', { cause: new Error('probe failed', { cause: refusal }) });
    const failing = connecting(async () => Promise.reject(wrapped), { client, transport }, undefined);
    await expect(failing).rejects.toBe(refusal);
    expect({ closedClient: client.times, closedTransport: transport.times }).toEqual({
      closedClient: 1,
      closedTransport: 1,
    });
  });

  it('throws an error without a refusal in it as it is', async () => {
    const other = new TypeError('something else');
    const opened = { client: closable(), transport: closable() };
    await expect(connecting(async () => Promise.reject(other), opened, undefined)).rejects.toBe(other);
  });

  it('connects nothing under a signal that has ended', async () => {
    const opened = { client: closable(), transport: closable() };
    let begun = false;
    const late = connecting(
      async () => {
        begun = true;
      },
      opened,
      AbortSignal.abort(new Error('too late')),
    );
    await expect(late).rejects.toThrow('too late');
    expect(begun).toBe(false);
  });

  it('closes what was connected in the moment its signal ended', async () => {
    const opened = { client: closable(), transport: closable() };
    const caller = new AbortController();
    const cut = connecting(async () => caller.abort(new Error('just then')), opened, caller.signal);
    await expect(cut).rejects.toThrow('just then');
    expect(opened.client.times).toBe(1);
  });
});
