import { describe, expect, it } from '@jest/globals';
import { readIntrospectionAnswer, sendIntrospectionRequest } from './introspection-request.ts';

const CLIENT = { clientId: 'rs', clientSecret: 's' };

async function sentBy(client = CLIENT, token = 'the-token'): Promise<{ request: Request; redirect: unknown }> {
  let request: Request | undefined;
  let redirect: unknown;
  await sendIntrospectionRequest(
    'https://as.example/introspect?tenant=a',
    client,
    token,
    async (input, init) => {
      request = new Request(input, init);
      ({ redirect } = init ?? {});
      return new Response('{}');
    },
    new AbortController().signal,
  );
  if (request === undefined) throw new Error('no request was sent');
  return { request, redirect };
}

describe('an introspection request', () => {
  it('is a form post to the endpoint that asks for JSON and follows no redirect', async () => {
    const { request, redirect } = await sentBy(CLIENT, 'a+b/c=&d');
    expect({ method: request.method, url: request.url, redirect }).toEqual({
      method: 'POST',
      url: 'https://as.example/introspect?tenant=a',
      redirect: 'manual',
    });
    expect(request.headers.get('accept')).toBe('application/json');
    expect(request.headers.get('content-type')).toBe('application/x-www-form-urlencoded;charset=UTF-8');
    expect([...new URLSearchParams(await request.text())]).toEqual([
      ['token', 'a+b/c=&d'],
      ['token_type_hint', 'access_token'],
    ]);
  });

  it.each([
    { clientId: 'rs', clientSecret: 'plain-secret_1.*', basic: 'rs:plain-secret_1.*' },
    { clientId: 'https://rs.example', clientSecret: 'a:b c%ü', basic: 'https%3A%2F%2Frs.example:a%3Ab+c%25%C3%BC' },
  ])('form-encodes id and secret in the Basic header: $basic', async ({ clientId, clientSecret, basic }) => {
    const { request } = await sentBy({ clientId, clientSecret });
    const [scheme, credentials] = (request.headers.get('authorization') ?? '').split(' ');
    expect({ scheme, credentials: Buffer.from(credentials ?? '', 'base64').toString() }).toEqual({
      scheme: 'Basic',
      credentials: basic,
    });
  });

  it('is given up when the answer is too large', async () => {
    const sent = sendIntrospectionRequest(
      'https://as.example/introspect',
      CLIENT,
      't',
      async () => new Response('x'.repeat(1024 * 1024)),
      new AbortController().signal,
    );
    await expect(sent).rejects.toThrow('the answer is too large');
  });
});

describe('the answer to an introspection request', () => {
  const read = (status: number, body: unknown) =>
    readIntrospectionAnswer({ status, body: typeof body === 'string' ? body : JSON.stringify(body) }, ['the-token']);

  it('is returned whole when it says whether the token is active', () => {
    expect(read(200, { active: true, sub: 'ann' })).toEqual({ active: true, sub: 'ann' });
    expect(read(200, { active: false })).toEqual({ active: false });
  });

  it('says inactive for a token of a form that the authorization server never issues', () => {
    expect(read(400, { error: 'unsupported_token_type' })).toEqual({ active: false });
  });

  it.each<[string, number, unknown]>([
    ['introspection: the answer is not one of RFC 7662', 200, 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'],
    ['introspection: the answer is not one of RFC 7662', 200, { active: 'true' }],
    ['introspection: the answer is not one of RFC 7662', 200, [{ active: true }]],
    ['introspection: the answer is not one of RFC 7662', 200, 'null'],
    ['introspection: answered 201', 201, { active: true }],
    ['introspection: answered 400 invalid_request', 400, { error: 'invalid_request' }],
    ['introspection: answered 400', 400, { error: { code: 'invalid_request' } }],
    ['introspection: answered 400 no [redacted]', 400, { error: 'no the-token' }],
    ['introspection: answered 500', 500, { error: 'server_error' }],
  ])('is refused: %s (%d, %j)', (reason, status, body) => {
    expect(() => read(status, body)).toThrow(expect.objectContaining({ reason }));
  });
});
