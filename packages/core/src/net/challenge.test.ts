import { describe, expect, it } from '@jest/globals';
import { parseChallenges, readChallenges } from './challenge.ts';

function read(...values: string[]) {
  const headers = new Headers();
  for (const value of values) headers.append('www-authenticate', value);
  return readChallenges(headers);
}
const parsed = (value: string) => read(value).challenges;

it('reads the parameters of a Bearer challenge', () => {
  expect(
    parsed(
      'Bearer realm="mcp", error="insufficient_scope", error_description="needs, more", scope="b a b", resource_metadata="https://s.example/.well-known/x"',
    ),
  ).toEqual([
    {
      scheme: 'bearer',
      error: 'insufficient_scope',
      errorDescription: 'needs, more',
      scopes: ['a', 'b'],
      resourceMetadata: 'https://s.example/.well-known/x',
    },
  ]);
});

it('returns one challenge each for Bearer and DPoP, and ignores other schemes', () => {
  const challenges = parsed('Basic realm="x", DPoP error="use_dpop_nonce", algs="ES256", Bearer error="invalid_token"');
  expect(challenges.map(({ scheme, error }) => [scheme, error])).toEqual([
    ['dpop', 'use_dpop_nonce'],
    ['bearer', 'invalid_token'],
  ]);
});

it.each([
  ['BEARER ERROR=invalid_token', 'invalid_token'],
  ['Bearer error = "invalid_token"', 'invalid_token'],
  ['Bearer', undefined],
])('reads the error code of the header %p', (value, error) => {
  expect(parsed(value).map((challenge) => challenge.error)).toEqual([error]);
});

it.each(['', 'garbage ===', '"', '=', ',,,', 'Basic realm="x"', "'", 'é'])(
  'returns no challenge for the header %.20p',
  (value) => {
    expect(parsed(value)).toEqual([]);
  },
);

it('leaves out the parts of a scope parameter that are not scope tokens', () => {
  expect(parsed('Bearer scope="ok  bé a\\\\b"')[0]?.scopes).toEqual(['ok']);
});

it('returns no challenge without the header', () => {
  expect(parseChallenges(new Headers())).toEqual([]);
});

describe('a header that breaks the grammar', () => {
  const good = { error: 'invalid_token', resourceMetadata: 'https://s.example/m' };
  const [error, metadata] = ['error="invalid_token"', 'resource_metadata="https://s.example/m"'];

  it.each([
    ['a quote that does not end', [`Bearer ${error}, ${metadata}, scope="a b`]],
    ['a quote that ends in the next parameter', [`Bearer error_description="no, ${error}, ${metadata}`]],
    ['text after a quote', [`Bearer realm="a"b, ${error}, ${metadata}`]],
    ['a quote inside a quote', [`Bearer realm="the "best" one", ${error}, ${metadata}`]],
    [
      'several schemes, one with a malformed parameter',
      [`Basic realm=, Digest qop="a"b, Bearer ${error}, ${metadata}`],
    ],
    ['words after the scheme', [`Bearer you shall not pass, ${error}, ${metadata}`]],
    ['words between parameters', [`Bearer ${error}, you shall not pass, ${metadata}`]],
    ['a token68 after the scheme', [`Bearer abc==, ${error}, ${metadata}`]],
    ['text that is not ASCII', [`Bearer error_description="caf\u00c3\u00a9", ${error}, ${metadata}`]],
    ['a parameter name that is not ASCII', [`Bearer \u00e9rror="x", ${error}, ${metadata}`]],
    ['brackets in a parameter name', [`Bearer realm="r", fo(o)="x", ${error}, ${metadata}`]],
    [
      'a parameter that is repeated',
      [`Bearer ${error}, error="other", ${metadata}, resource_metadata="https://evil.example"`],
    ],
    ['missing commas', [`Bearer ${error} ${metadata}`]],
    ['single quotes', ["Bearer error='invalid_token', resource_metadata='https://s.example/m'"]],
    ['a value with slashes and without quotes', ['Bearer error=invalid_token, resource_metadata=https://s.example/m']],
    ['a missing value', [`Bearer scope=, ${error}, ${metadata}`]],
    ['a missing scheme', [`${error}, ${metadata}`]],
    ['a second header with a malformed part', [`Bearer ${error}, ${metadata}`, 'Bearer realm="x']],
    ['more than 8,192 characters', [`Bearer ${error}, ${metadata}, realm="${'x'.repeat(9_000)}"`]],
    ['a thousand parameters', [`Bearer ${error}, ${metadata}${', a=b=c'.repeat(1_000)}`]],
  ])('is called malformed for %s, and the good parameters are kept', (_what, values) => {
    const { challenges, malformed } = read(...values);
    expect(malformed).toBe(true);
    expect(challenges[0]).toMatchObject({ scheme: 'bearer', ...good });
    expect(JSON.stringify(challenges)).not.toContain('evil');
  });

  it.each([
    [[`Bearer ${error}, ${metadata}`]],
    [['Bearer error=invalid_token,resource_metadata="https://s.example/m"']],
    [['Negotiate', 'Basic realm="a, b"', `Bearer realm="\\"x\\"" , ${error} ,, ${metadata}`]],
    [[`NTLM, Negotiate YIIabc==, bEaReR ${metadata},${error}`]],
    [[`Digest qop="auth", nonce="abc=", Bearer\t${error}\t, ${metadata}, DPoP algs="ES256"`]],
    [[`Bearer ${Array.from({ length: 200 }, (_, index) => `p${index}="v"`).join(', ')}, ${error}, ${metadata}`]],
  ])('is not what %j is', (values) => {
    const { challenges, malformed } = read(...values);
    expect(malformed).toBe(false);
    expect(challenges[0]).toMatchObject(good);
  });

  const described = (errorDescription: string, error = 'invalid_token') => ({ error, errorDescription });
  it.each<[string, object]>([
    ['Bearer error="invalid_token"; error_description="dead"', described('dead')],
    ['Bearer error="invalid_token";error_description="dead"', described('dead')],
    ['Bearer error=invalid_token;error_description=dead', described('dead')],
    ['Bearer error=invalid_token; error_description=dead', described('dead')],
    ["Bearer error='invalid_token'; error_description='dead'", described('dead')],
    [
      'Bearer realm="x"; error="invalid_token"; error_description="dead, long ago; sorry"',
      described('dead, long ago; sorry'),
    ],
    ['Basic realm="x"; Bearer error="invalid_token"; error_description="dead"', described('dead')],
    ['Bearer error="insufficient_scope"; scope="b a"', { error: 'insufficient_scope', scopes: ['a', 'b'] }],
    ['Bearer error="invalid_token', { error: 'invalid_token' }],
    ['Bearer error="invalid_token", error_description="aud is wrong', described('aud is wrong')],
    ['Bearer error="invalid_token", error_description="no, it is wrong', described('no, it is wrong')],
    ['Bearer error_description="aud is wrong, error="invalid_token"', described('aud is wrong')],
    ['Bearer error="invalid_token, error_description="aud is wrong"', described('aud is wrong')],
    ['Bearer error="invalid_token, error_description="aud is wrong', described('aud is wrong')],
    ['Bearer error="invalid_token error_description="dead"', described('dead')],
    ['Bearer error="invalid_token, Bearer scope="a"', { error: 'invalid_token' }],
    [
      'Bearer error="invalid_token", error_description="aud "x" wrong", scope="a b"',
      { ...described('aud "x" wrong'), scopes: ['a', 'b'] },
    ],
    ['Bearer error="invalid_token", error_description="aud "x" wrong"', described('aud "x" wrong')],
    ['Bearer error_description="the "aud", not the "iss"", error="invalid_token"', { error: 'invalid_token' }],
    ['Bearer error=invalid_token, error_description=The audience is wrong', described('The audience is wrong')],
    ['Bearer error_description=The audience is wrong, error=invalid_token', described('The audience is wrong')],
    ['Bearer error_description=The audience is wrong error="invalid_token"', described('The audience is wrong')],
    ['Bearer error_description=The audience is wrong; error="invalid_token"', described('The audience is wrong')],
    ['Bearer error_description=Not for you, but others, error=invalid_token', described('Not for you, but others')],
    ['Bearer error="insufficient_scope", scope=a b', { error: 'insufficient_scope', scopes: ['a', 'b'] }],
    [
      'Bearer error=invalid_token, resource_metadata=https://s.example/m;v=1',
      { error: 'invalid_token', resourceMetadata: 'https://s.example/m;v=1' },
    ],
  ])('keeps the good parameters of %p', (value, expected) => {
    const { challenges, malformed } = read(value);
    expect(malformed).toBe(true);
    expect(challenges.find(({ scheme, error }) => scheme === 'bearer' && error !== undefined)).toMatchObject(expected);
  });

  it('reads a description in UTF-8', () => {
    const utf8 = Buffer.from('falsche Zielgruppe für das Token').toString('latin1');
    expect(read(`Bearer error_description="${utf8}"`)).toMatchObject({
      challenges: [{ errorDescription: 'falsche Zielgruppe für das Token' }],
      malformed: true,
    });
  });

  it('attaches no parameter of another scheme to Bearer', () => {
    expect(read('Bearer realm="x", Custom error="invalid_token", scope="a"').challenges).toEqual([
      { scheme: 'bearer' },
    ]);
  });

  it.each([
    'a="\\",'.repeat(2_000),
    'a="'.repeat(3_000),
    "'".repeat(8_000),
    ', '.repeat(4_000),
    'a b '.repeat(2_000),
    'scope=x '.repeat(1_000),
    'error="'.repeat(1_100),
    `error="${' '.repeat(8_000)}x`,
    `realm=a${' ,'.repeat(4_000)}`,
    '"; '.repeat(2_700),
  ])('is read in less than 50 ms if it is %.12p', (value) => {
    const started = performance.now();
    read(`Bearer ${value}`);
    expect(performance.now() - started).toBeLessThan(50);
  });
});
