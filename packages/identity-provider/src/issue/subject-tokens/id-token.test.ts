import { TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { Answer } from '../../../../../test/support/roles/bot.ts';
import { startUsersWorld, type UsersWorld } from '../../../../../test/support/roles/users-world.ts';

let world: UsersWorld;

beforeAll(async () => {
  world = await startUsersWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.issued.length = 0;
  world.accounts.set('alice', { email: 'alice@acme.example' });
});

const exchange = (clientId: string, token: string): Promise<Answer> =>
  world.exchange(clientId, { subject_token: token, subject_token_type: TOKEN_TYPE_ID_TOKEN });

function expectRefused(answer: Answer, reason: string): void {
  expect(answer).toEqual({
    status: 400,
    body: { error: 'invalid_grant', error_description: 'the subject token is not valid' },
  });
  expect(world.issued.at(-1)).toMatchObject({
    granted: false,
    status: 'subject_token_refused',
    reason: expect.stringContaining(reason),
  });
}

describe("a user's ID token as subject token", () => {
  it('cannot be a signed userinfo response, which everyone with an access token can fetch', async () => {
    const accessToken = await world.userAccessToken('signed-userinfo', 'alice');
    const response = await fetch(`${world.issuer}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
    const userinfo = await response.text();
    expect(decodeJwt(userinfo)).toMatchObject({ iss: world.issuer, sub: 'alice', aud: 'signed-userinfo' });
    expectRefused(await exchange('signed-userinfo', userinfo), 'userinfo');
    await (await world.provider.AccessToken.find(accessToken))?.destroy();
    expectRefused(await exchange('signed-userinfo', userinfo), 'userinfo');
  });

  it('must have a claim that userinfo cannot have, if the client gets signed userinfo responses', async () => {
    expectRefused(await exchange('signed-userinfo', await world.idToken('signed-userinfo', 'alice')), 'nonce');
    const withNonce = await world.idToken('signed-userinfo', 'alice', { nonce: 'of the sign-in' });
    expect((await exchange('signed-userinfo', withNonce)).status).toBe(200);
  });

  it('is refused after the account was deleted', async () => {
    const token = await world.idToken('bot', 'alice');
    expect((await exchange('bot', token)).status).toBe(200);
    world.accounts.delete('alice');
    expectRefused(await exchange('bot', token), 'the account of the ID token does not exist');
  });

  it('with a pairwise subject is accepted without a look-up of the account', async () => {
    const { status, body } = await exchange('pairwise', await world.idToken('pairwise', 'pairwise-alice'));
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token'])).sub).toBe('pairwise-alice');
  });
});
