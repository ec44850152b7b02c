import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret, type ClientSecretOptions } from './client-secret.ts';

async function sent(options: ClientSecretOptions): Promise<{ body: string; basic: string | undefined }> {
  const body = new URLSearchParams();
  const headers = new Headers();
  const request = { issuer: 'https://as.example', tokenEndpoint: 'https://as.example/token', body, headers, nowMs: 0 };
  await clientSecret(options).authenticate(request);
  const [scheme, value = ''] = headers.get('authorization')?.split(' ') ?? [];
  if (scheme !== undefined) expect(scheme).toBe('Basic');
  return { body: body.toString(), basic: scheme && Buffer.from(value, 'base64').toString('utf8') };
}

/** Decodes the pair as a server does that follows RFC 6749 section 2.3.1. */
function formDecode(pair: string): { id: string; secret: string } {
  const colon = pair.indexOf(':');
  const decode = (text: string) => new URLSearchParams(`v=${text}`).get('v') ?? '';
  return { id: decode(pair.slice(0, colon)), secret: decode(pair.slice(colon + 1)) };
}

describe('clientSecret', () => {
  it.each(['a:b', '100%', 'a+b', 'a b', 'ünïcode €', 'a-b', 'a_b', 'a.b', 'a~b', 'a*b', '&=#?/\\"\'', '%41', '  x  '])(
    'sends a client id and a secret with %p in a Basic header from which a server can form-decode both',
    async (text) => {
      const { basic, body } = await sent({ clientId: `id ${text}`, secret: text });
      expect(formDecode(basic ?? '')).toEqual({ id: `id ${text}`, secret: text });
      expect(basic?.split(':')).toHaveLength(2);
      expect(body).toBe('');
    },
  );

  it('does not encode the characters that the URL standard does not encode, for servers that do not decode', async () => {
    expect((await sent({ clientId: 'bot-1_a.b*c', secret: 'S3-cr_e.t*' })).basic).toBe('bot-1_a.b*c:S3-cr_e.t*');
  });

  it('encodes as application/x-www-form-urlencoded: a space is a plus, a plus is %2B', async () => {
    expect((await sent({ clientId: 'id', secret: 'a b+c%ü' })).basic).toBe('id:a+b%2Bc%25%C3%BC');
  });

  it('does not encode the client id and the secret with encoding: raw', async () => {
    expect((await sent({ clientId: 'id', secret: 'a+b:c%', encoding: 'raw' })).basic).toBe('id:a+b:c%');
  });

  it('refuses a client id with a colon with encoding: raw', async () => {
    const error = await refusalOf(() => clientSecret({ clientId: 'a:b', secret: 's', encoding: 'raw' }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
  });

  it('sends the client id and the secret in the body and no header with method: post', async () => {
    const { body, basic } = await sent({ clientId: 'a b', secret: 'c&d=e', method: 'post' });
    expect(basic).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ client_id: 'a b', client_secret: 'c&d=e' });
  });

  it.each([
    [{ clientId: '', secret: 's' }, 'clientId'],
    [{ clientId: 'id', secret: '' }, 'secret'],
    [{ clientId: 'id', secret: '   ' }, 'secret'],
  ])('refuses %p', async (options, named) => {
    const error = await refusalOf(() => clientSecret(options));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(named);
  });

  it('does not print the secret', () => {
    const options = { clientId: 'id', secret: 'hunter2-hunter2' };
    const credentials = [clientSecret(options), clientSecret({ ...options, method: 'post' })];
    const printed = inspect(credentials, { showHidden: true, depth: 9, getters: true }) + JSON.stringify(credentials);
    expect(printed).not.toContain('hunter2');
    expect(printed).not.toContain(Buffer.from('id:hunter2-hunter2').toString('base64'));
  });
});
