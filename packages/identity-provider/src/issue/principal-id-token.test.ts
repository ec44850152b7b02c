import { TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { Bot, outcome } from '../../../../test/support/roles/bot.ts';
import { generousPolicy, spyOnPolicy, startWorld, type World } from '../../../../test/support/roles/world.ts';

let world: World;
let bot: Bot;
let other: Bot;

beforeAll(async () => {
  world = await startWorld();
  bot = new Bot(world);
  other = new Bot(world, 'other');
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.issued.length = 0;
});

describe('an ID token', () => {
  const asIdToken = (token: string) => ({ subject_token: token, subject_token_type: TOKEN_TYPE_ID_TOKEN });

  it('is in the client_credentials response only if the scope openid is requested', async () => {
    expect(await bot.authenticate()).not.toHaveProperty('id_token');
    expect(await bot.authenticate('openid')).toHaveProperty('id_token');
  });

  it('of a principal is accepted from that principal only, and the policy gets it as a principal', async () => {
    const policyRequests = spyOnPolicy(world);
    const { id_token: idToken = '' } = await bot.authenticate('openid');
    expect(outcome(await bot.exchange(asIdToken(idToken)))).toBe('granted');
    expect(policyRequests[0]).toMatchObject({ subject: 'bot', subjectKind: 'principal', claims: { azp: 'bot' } });
    expect(outcome(await other.exchange(asIdToken(idToken)))).toBe('invalid_grant');
  });

  it('of a principal is accepted after a rotation of the signing key', async () => {
    const { id_token: idToken = '' } = await bot.authenticate('openid');
    await world.signingKeys.rotate();
    expect(outcome(await bot.exchange(asIdToken(idToken)))).toBe('granted');
  });

  it('of a user, signed by the provider, is accepted, and the policy gets it as a user', async () => {
    const policyRequests = spyOnPolicy(world);
    const client = await world.idp.provider.Client.find('bot');
    if (client === undefined) throw new Error('no client');
    const userToken = new world.idp.provider.IdToken({ sub: 'alice' }, { client });
    userToken.set('sub', 'alice');
    const idToken = await userToken.issue({ use: 'idtoken', expiresAt: Math.floor(Date.now() / 1000) + 60 });
    expect(outcome(await bot.exchange(asIdToken(idToken)))).toBe('granted');
    expect(policyRequests[0]).toMatchObject({ subject: 'alice', subjectKind: 'user' });
    expect(outcome(await other.exchange(asIdToken(idToken)))).toBe('invalid_grant');
    const old = await userToken.issue({ use: 'idtoken', expiresAt: Math.floor(Date.now() / 1000) - 60 });
    expect(outcome(await bot.exchange(asIdToken(old)))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the ID token has expired' });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['without a signature', () => new UnsecuredJWT({ iss: world.idp.issuer, sub: 'admin', aud: 'bot' }).encode()],
    ['that is an ID-JAG', () => bot.idJag()],
    ['that has expired', () => signed({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['of another issuer', () => signed({ iss: 'https://other.example' })],
    ['for a second audience', () => signed({ aud: ['bot', 'other'] })],
    ['without the gty of a principal', () => signed({ gty: undefined })],
    ['with the type of an access token', () => signed({}, 'at+jwt')],
    ['that is not a JWT', () => 'nonsense'],
  ])('%s is refused', async (_name, forge) => {
    expect(outcome(await bot.exchange(asIdToken(await forge())))).toBe('invalid_grant');
  });

  /** An ID token as issued to a principal, with some claims replaced. */
  function signed(claims: Record<string, unknown>, typ = 'JWT'): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const good = {
      iss: world.idp.issuer,
      sub: 'bot',
      aud: 'bot',
      azp: 'bot',
      gty: 'client_credentials',
      iat,
      exp: iat + 60,
    };
    return world.signingKeys.sign(JSON.parse(JSON.stringify({ ...good, ...claims })) as Record<string, unknown>, {
      typ,
    });
  }

  it('made by this test without replaced claims is accepted', async () => {
    expect(outcome(await bot.exchange(asIdToken(await signed({}))))).toBe('granted');
  });
});
