import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientAssertion, type ClientAssertionOptions } from './client-assertion.ts';
import { noClientAuth } from './no-client-auth.ts';

async function sent(options: ClientAssertionOptions['assertion']): Promise<Record<string, string>> {
  const body = new URLSearchParams();
  await clientAssertion({ clientId: 'bot', assertion: options }).authenticate(request(body));
  return Object.fromEntries(body);
}

function request(body: URLSearchParams, headers = new Headers()) {
  return { issuer: 'https://idp.example', tokenEndpoint: 'https://idp.example/t', body, headers, nowMs: 0 };
}

describe('clientAssertion', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credence-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('calls the callback for each request with the issuer and the token endpoint', async () => {
    const calls: unknown[] = [];
    const body = await sent((target) => {
      calls.push(target);
      return 'a.b.c';
    });
    expect(body).toEqual({
      client_id: 'bot',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'a.b.c',
    });
    expect(calls).toEqual([{ issuer: 'https://idp.example', tokenEndpoint: 'https://idp.example/t' }]);
  });

  it('reads the file for each request and removes the line break at its end', async () => {
    const file = join(folder, 'token');
    await writeFile(file, 'first.jwt.x\n');
    const credential = clientAssertion({ clientId: 'bot', assertion: { file } });
    const read = async () => {
      const body = new URLSearchParams();
      await credential.authenticate(request(body));
      return body.get('client_assertion');
    };
    expect(await read()).toBe('first.jwt.x');
    await writeFile(file, 'second.jwt.x\n');
    expect(await read()).toBe('second.jwt.x');
  });

  it.each<[string, ClientAssertionOptions['assertion']]>([
    ['the file does not exist', { file: '/nowhere/token' }],
    ['the callback returns an empty string', () => ''],
    ['the callback throws', () => Promise.reject(new Error('secret-in-message'))],
  ])('throws credential_unavailable if %s', async (_what, assertion) => {
    const error = await refusalOf(sent(assertion));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('secret-in-message');
  });

  it('throws credential_unavailable if the file is empty', async () => {
    const file = join(folder, 'empty');
    await writeFile(file, '\n');
    expect(await refusalOf(sent({ file }))).toMatchObject({ code: 'credential_unavailable' });
  });

  it('throws invalid_configuration for an empty path before the first request', async () => {
    const error = await refusalOf(() => clientAssertion({ clientId: 'bot', assertion: { file: '' } }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure' });
  });
});

describe('noClientAuth', () => {
  it('sends the client id and no authentication', async () => {
    const body = new URLSearchParams();
    const headers = new Headers();
    await noClientAuth({ clientId: 'public' }).authenticate(request(body, headers));
    expect(Object.fromEntries(body)).toEqual({ client_id: 'public' });
    expect([...headers]).toEqual([]);
  });

  it('refuses an empty client id', async () => {
    expect(await refusalOf(() => noClientAuth({ clientId: '' }))).toMatchObject({ code: 'invalid_configuration' });
  });
});
