import { afterEach, describe, expect, it } from '@jest/globals';
import { mcpAnswer } from '../../../../test/support/mcp-answer.ts';
import { editMembers, refusal, say } from '../../../../test/support/oauth-world.ts';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { type Bot, type BotOptions, startBot } from '../../test-support/bot.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import { clientSecret } from '../credentials/client-secret.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: BotOptions = {}): Promise<Bot & { server: Peer }> {
  const server = await startPeer({ 'POST /mcp': mcpAnswer() });
  closers.push(async () => server.close());
  const bot = await startBot({ ...options, server: { url: `${server.origin}/mcp`, ...options.server } });
  closers.push(async () => bot.close());
  return { ...bot, server };
}

const NOT_ANNOUNCED_BY_IDP = editMembers({ identity_chaining_requested_token_types_supported: undefined });
const NOT_ANNOUNCED_BY_AS = editMembers({ authorization_grant_profiles_supported: [] });

describe('a diagnosis after a refusal says that the metadata of the issuer does not announce', () => {
  it('that it issues ID-JAGs, if the exchange was refused', async () => {
    const { bot, world } = await start();
    world.idp.script.always('metadata', NOT_ANNOUNCED_BY_IDP);
    world.idp.script.always('exchange', refusal('invalid_request'));
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'exchange', contact: 'idp-admin' });
    expect(diagnosis.warnings).toMatchObject([
      { leg: 'exchange', message: expect.stringContaining(`${world.idp.issuer} does not announce that it issues`) },
    ]);
    expect(String(diagnosis)).toContain('does not announce');
  });

  it('that it redeems ID-JAGs, if the redemption was refused', async () => {
    const { bot, world } = await start();
    world.as.script.always('metadata', NOT_ANNOUNCED_BY_AS);
    world.as.script.always('redeem', refusal('unsupported_grant_type'));
    const { warnings, contact } = await bot.diagnose('mcp');
    expect(contact).toBe('server-owner');
    expect(warnings).toMatchObject([
      { leg: 'redeem', message: expect.stringContaining(`${world.as.issuer} does not announce that it redeems`) },
    ]);
  });
});

describe('a diagnosis says nothing about the announcements of the metadata', () => {
  it('if nothing was refused: the metadata is only advice', async () => {
    const { bot, world } = await start();
    world.idp.script.always('metadata', NOT_ANNOUNCED_BY_IDP);
    world.as.script.always('metadata', NOT_ANNOUNCED_BY_AS);
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, warnings: [] });
  });

  it('if the issuer announces what it refused', async () => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', refusal('access_denied'));
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, leg: 'exchange', warnings: [] });
  });

  it('if the issuer could not be reached', async () => {
    const { bot, world } = await start();
    world.idp.script.always('metadata', NOT_ANNOUNCED_BY_IDP);
    world.idp.script.always('exchange', say({ status: 503, headers: {}, body: {} }));
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, leg: 'exchange', warnings: [] });
  });
});

describe('a diagnosis of a configuration in which the IdP and the authorization server are swapped', () => {
  it.each([true, false])('says so, with the contact "you"; the resource is pinned: %p', async (isPinned) => {
    const { world, server } = await start();
    const url = `${server.origin}/mcp`;
    server.route('/.well-known/oauth-protected-resource/mcp', {
      body: { resource: url, authorization_servers: [world.as.issuer] },
    });
    const bot = new ServicePrincipal({
      idp: { issuer: world.as.issuer, credential: clientSecret({ clientId: 'bot-at-idp', secret: 'x' }) },
      servers: {
        mcp: {
          url,
          issuer: world.idp.issuer,
          credential: clientSecret({ clientId: 'bot-at-as', secret: 'y' }),
          ...(isPinned && { resource: url }),
        },
      },
    });
    closers.push(async () => bot.close());
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, contact: 'you', error: { contact: 'you' } });
    expect(diagnosis.remedy).toMatch(/^idp\.issuer and servers\.mcp\.issuer look swapped/u);
  });
});

describe('a diagnosis', () => {
  it('names the clock of this machine if it differs from the clock of every peer', async () => {
    const clock = { wallMs: () => Date.now() - 3_600_000, monotonicMs: () => performance.now() };
    const { bot } = await start({ principal: { clock } });
    const { warnings } = await bot.diagnose('mcp');
    expect(warnings.length).toBeGreaterThanOrEqual(2);
    for (const { message, remedy } of warnings) {
      expect(message).toMatch(/^The clock of 127\.0\.0\.1:\d+ is (?:3599|3600|3601) s ahead of ours/u);
      expect(remedy).toContain('Set the clock of this machine');
    }
  });

  it('names the peer whose clock differs, on whichever leg it was seen', async () => {
    const { bot, server } = await start();
    const late = new Date(Date.now() - 300_000).toUTCString();
    server.route('POST /mcp', async (request) => {
      const answer = await mcpAnswer()(request);
      return { ...answer, headers: { date: late } };
    });
    const { warnings, ok } = await bot.diagnose('mcp');
    expect(ok).toBe(true);
    expect(warnings).toMatchObject([{ leg: 'call', message: expect.stringContaining(new URL(server.origin).host) }]);
    expect(warnings[0]?.remedy).toContain('correct the one that is wrong');
  });

  it('names servers.mcp.url if the URL of the server answers 404 during discovery', async () => {
    const { bot, server } = await start({ pinResource: false, server: { issuer: 'discover' } });
    server.route('POST /mcp', { status: 404 });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'discover' });
    expect(`${diagnosis.remedy} ${diagnosis.warnings.map(({ remedy }) => remedy).join(' ')}`).toContain(
      'Check the path in servers.mcp.url',
    );
  });
});
