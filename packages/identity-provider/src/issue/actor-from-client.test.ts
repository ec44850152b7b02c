import { TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { startUsersWorld, type UsersWorld } from '../../../../test/support/roles/users-world.ts';

let world: UsersWorld;
beforeAll(async () => {
  world = await startUsersWorld({
    actorFromClient: true,
    allowPublicClients: true,
    subject: (clientId) => `principal-${clientId}`,
  });
});
afterAll(() => world.close());

const idJagFor = async (clientId: string, parameters: Record<string, string>) => {
  const { status, body } = await world.exchange(clientId, parameters);
  expect(status).toBe(200);
  return decodeJwt(String(body['access_token']));
};
const ofAlice = async (clientId: string, claims?: Record<string, unknown>) => ({
  subject_token: await world.idToken(clientId, 'alice', claims),
  subject_token_type: TOKEN_TYPE_ID_TOKEN,
});

describe('with actorFromClient, the actor of an ID-JAG', () => {
  it('is the client that sends the token of a user, also in the audit record', async () => {
    expect(await idJagFor('bot', await ofAlice('bot'))).toMatchObject({ sub: 'alice', act: { sub: 'principal-bot' } });
    expect(world.issued.at(-1)).toMatchObject({ granted: true, subject: 'alice', actor: 'principal-bot' });
  });

  it('has the earlier actors of the token nested in it', async () => {
    const claims = await idJagFor('bot', await ofAlice('bot', { act: { sub: 'app' } }));
    expect(claims['act']).toEqual({ sub: 'principal-bot', act: { sub: 'app' } });
  });

  it('is absent for a principal that acts for itself', async () => {
    const own = await world.clientCredentials('bot');
    const claims = await idJagFor('bot', {
      subject_token: own['access_token'] ?? '',
      subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
    });
    expect(claims).not.toHaveProperty('act');
  });

  it('is absent for a client that does not authenticate, which proves nothing about itself', async () => {
    expect(await idJagFor('public', await ofAlice('public'))).not.toHaveProperty('act');
  });
});
