import { describe, expect, it } from '@jest/globals';
import { introspect } from './introspection-request.ts';

const CLIENT = { clientId: 'rs', clientSecret: 's' };

async function sentBy(client = CLIENT, token = 'the-token'): Promise<{ request: Request; redirect: unknown }> {
  let request: Request | undefined;
  let redirect: unknown;
  await introspect('https://as.example/introspect?tenant=a', client, token, async (input, init) => {
    request = new Request(input, init);
    ({ redirect } = init ?? {});
    return Response.json({ active: false });
  });
  if (request === undefined) throw new Error('no request was sent');
  return { request, redirect };
}

describe('an introspection request', () => {
  it('is a POST of a form to the endpoint, accepts JSON and follows no redirect', async () => {
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
  ])(
    'has the form-encoded client id and secret in the Basic header: $basic',
    async ({ clientId, clientSecret, basic }) => {
      const { request } = await sentBy({ clientId, clientSecret });
      const [scheme, credentials] = (request.headers.get('authorization') ?? '').split(' ');
      expect({ scheme, credentials: Buffer.from(credentials ?? '', 'base64').toString() }).toEqual({
        scheme: 'Basic',
        credentials: basic,
      });
    },
  );

  it('fails if the response is too large', async () => {
    const tooLarge = async () => new Response('x'.repeat(1024 * 1024));
    const sent = introspect('https://as.example/introspect', CLIENT, 't', tooLarge);
    await expect(sent).rejects.toThrow('the answer is too large');
  });
});

describe('the response to an introspection request', () => {
  const read = (status: number, body: unknown) =>
    introspect(
      'https://as.example/introspect',
      CLIENT,
      'the-token',
      async () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }),
    );

  it('is returned with all members if it has active', async () => {
    expect(await read(200, { active: true, sub: 'ann' })).toEqual({ active: true, sub: 'ann' });
    expect(await read(200, { active: false })).toEqual({ active: false });
  });

  it('with the error unsupported_token_type means that the token is inactive', async () => {
    expect(await read(400, { error: 'unsupported_token_type' })).toEqual({ active: false });
  });

  it.each<[string, number, unknown]>([
    ['introspection: the response does not conform to RFC 7662', 200, 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'],
    ['introspection: the response does not conform to RFC 7662', 200, { active: 'true' }],
    ['introspection: the response does not conform to RFC 7662', 200, [{ active: true }]],
    ['introspection: the response does not conform to RFC 7662', 200, 'null'],
    ['introspection: answered 201', 201, { active: true }],
    ['introspection: answered 400 invalid_request', 400, { error: 'invalid_request' }],
    ['introspection: answered 400', 400, { error: { code: 'invalid_request' } }],
    ['introspection: answered 400 no [redacted]', 400, { error: 'no the-token' }],
    ['introspection: answered 500', 500, { error: 'server_error' }],
  ])('is refused: %s (%d, %j)', async (reason, status, body) => {
    await expect(read(status, body)).rejects.toMatchObject({ reason });
  });
});
