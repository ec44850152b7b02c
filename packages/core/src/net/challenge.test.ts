import { expect, it } from '@jest/globals';
import { parseChallenges } from './challenge.ts';

async function parsed(value: string) {
  return parseChallenges(new Headers({ 'www-authenticate': value }));
}

it('reads the parameters of a Bearer challenge', async () => {
  expect(
    await parsed(
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

it('returns one challenge each for Bearer and DPoP, and ignores other schemes', async () => {
  const challenges = await parsed(
    'Basic realm="x", DPoP error="use_dpop_nonce", algs="ES256", Bearer error="invalid_token"',
  );
  expect(challenges.map(({ scheme, error }) => [scheme, error])).toEqual([
    ['dpop', 'use_dpop_nonce'],
    ['bearer', 'invalid_token'],
  ]);
});

it.each([
  ['BEARER ERROR=invalid_token', 'invalid_token'],
  ['Bearer error = "invalid_token"', 'invalid_token'],
  ['Bearer', undefined],
])('reads the error code of the header %p', async (value, error) => {
  expect((await parsed(value)).map((challenge) => challenge.error)).toEqual([error]);
});

it.each(['', 'garbage ===', '"', `Bearer scope="${'a '.repeat(5_000)}"`])(
  'returns no challenge for the header %.20p',
  async (value) => {
    expect(await parsed(value)).toEqual([]);
  },
);

it('leaves out the parts of a scope parameter that are not scope tokens', async () => {
  expect((await parsed('Bearer scope="ok  bé a\\\\b"'))[0]?.scopes).toEqual(['ok']);
});

it('returns no challenge without the header', async () => {
  expect(await parseChallenges(new Headers())).toEqual([]);
});
