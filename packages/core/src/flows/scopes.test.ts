import { afterEach, describe, expect, it } from '@jest/globals';
import { editMembers, grantedScope, refusal } from '../../../../test/support/oauth-world.ts';
import { type Bot, type BotOptions, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import type { McpServerOptions } from '../principal/options.ts';
import { memoryStore } from '../store/memory-store.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

const READ = { scopes: ['tools:read'] };

/** Starts a bot whose IdP puts `scope` into the ID-JAG and into the response. */
async function withIdJagScope(scope: unknown, server: Partial<McpServerOptions>): Promise<Bot> {
  const running = await start({ server });
  running.world.idp.forge({ claims: (claims) => ({ ...claims, scope }) });
  running.world.idp.script.always('exchange', editMembers({ scope }));
  return running;
}

/** Starts a bot whose authorization server responds with `scope`. */
async function withTokenScope(scope: unknown, server: Partial<McpServerOptions>): Promise<Bot> {
  const running = await start({ server });
  running.world.as.script.always('redeem', editMembers({ scope }));
  running.world.as.script.always('client-credentials', editMembers({ scope }));
  return running;
}

describe('a scope beyond the configured ones', () => {
  it.each<[string, unknown]>([
    ['a text', 'tools:read admin'],
    ['a list', ['tools:read', 'admin']],
    ['a text with commas', 'tools:read,admin'],
    ['a text with tabs and line breaks', 'tools:read\tadmin\n'],
    ['a text with duplicates', 'tools:read admin admin tools:read'],
    ['a text without the configured scope', 'admin'],
    ['a text with 10,000 scopes', Array.from({ length: 10_000 }, (_, index) => `s${index}`).join(' ')],
    ['a text with a very long scope', `tools:read ${'x'.repeat(50_000)}`],
    ['a text with a scope in capitals', 'TOOLS:READ'],
    ['a text with a broader scope', 'tools tools:*'],
  ])('is refused with the contact of the peer that granted it: %s', async (_form, scope) => {
    const atIdp = await withIdJagScope(scope, READ);
    const idpError = await refusalOf(atIdp.bot.token('mcp'));
    expect(idpError).toMatchObject({ code: 'excess_scope', leg: 'exchange', contact: 'idp-admin', retryable: false });
    expect(atIdp.world.as.script.count('redeem')).toBe(0);

    const atServer = await withTokenScope(scope, READ);
    const error = await refusalOf(atServer.bot.token('mcp'));
    expect(error).toMatchObject({ code: 'excess_scope', leg: 'redeem', contact: 'server-owner', server: 'mcp' });
    expect(error.remedy).toContain("servers.mcp.excessScopes: 'accept'");
    for (const { message } of [idpError, error]) expect(message.length).toBeLessThan(1_200);
  });

  it.each(['client-credentials', 'workload-identity'] as const)('is refused in the flow %s', async (flow) => {
    const assertion = flow === 'workload-identity' ? { assertion: fromWorkloadToken(() => 'jwt') } : {};
    const { bot, world } = await start({ server: { ...READ, flow, ...assertion } });
    const body = { access_token: 'at', token_type: 'Bearer', scope: 'tools:read admin' };
    world.as.script.always('redeem', () => ({ status: 200, body }));
    world.as.script.always('client-credentials', () => ({ status: 200, body }));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'excess_scope', contact: 'server-owner' });
  });

  it('is refused if the caller requests scopes and none are configured', async () => {
    const { bot } = await withTokenScope('tools:read tools:write', {});
    expect(await refusalOf(bot.token('mcp', { scopes: ['tools:read'] }))).toMatchObject({ code: 'excess_scope' });
  });

  it.each(['exchange', 'redeem'] as const)('is accepted with a warning by excessScopes: accept, at %s', async (leg) => {
    const server = { ...READ, excessScopes: 'accept' } as const;
    const { bot, events } =
      leg === 'redeem'
        ? await withTokenScope('tools:read admin', server)
        : await withIdJagScope('tools:read tools:write', server);
    expect((await bot.token('mcp')).scopes).toHaveLength(2);
    const warnings = events.filter(({ type }) => type === 'warning');
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings[0]).toMatchObject({
      leg,
      server: 'mcp',
      message: expect.stringContaining('more than servers.mcp'),
    });
  });

  it('is not printed if it contains a secret of the request', async () => {
    const { bot, world } = await start({ server: READ });
    world.as.script.always('redeem', async (honest, request) => {
      const answer = await honest();
      return { ...answer, body: { ...answer.body, scope: `tools:read ${request.form['assertion']}` } };
    });
    const error = await refusalOf(bot.token('mcp'));
    expect(error.code).toBe('excess_scope');
    expect(JSON.stringify(error)).not.toContain('eyJ');
  });

  it.each([
    ['token', (running: Bot) => running.world.as.script.always('redeem', grantedScope('tools:read admin')), 'redeem'],
    [
      'ID-JAG',
      ({ world }: Bot) => {
        world.idp.forge({ claims: (claims) => ({ ...claims, scope: 'tools:read admin' }) });
        world.as.script.always('redeem', () => ({
          status: 200,
          body: { access_token: 'at', token_type: 'Bearer', expires_in: 0 },
        }));
      },
      'exchange',
    ],
  ] as const)(
    'is refused if it is in the %s that a process with excessScopes: accept has stored',
    async (_what, grant, leg) => {
      const store = memoryStore();
      const running = await start({ server: { ...READ, excessScopes: 'accept' }, principal: { store } });
      grant(running);
      expect((await running.bot.token('mcp')).scopes).toContain('admin');
      const { idp, as, idpClient, asClient } = running.world;
      const strict = new ServicePrincipal({
        idp: {
          issuer: idp.issuer,
          credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
        },
        servers: {
          mcp: {
            url: RESOURCE,
            resource: RESOURCE,
            issuer: as.issuer,
            credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
            ...READ,
          },
        },
        store,
      });
      expect(await refusalOf(strict.token('mcp'))).toMatchObject({ code: 'excess_scope', leg });
      await strict.close();
    },
  );
});

describe('scopes within the configuration', () => {
  it.each<[string, Partial<McpServerOptions>, string | undefined]>([
    ['the configured ones', READ, 'tools:read'],
    ['the configured ones in another form', { scopes: ['tools:read', 'tools:write'] }, 'tools:write,tools:read  '],
    ['fewer than the configured ones', { scopes: ['tools:read', 'tools:write'] }, 'tools:read'],
    ['none', READ, ''],
    ['not stated', READ, undefined],
    ['those of stepUp', { ...READ, stepUp: ['tools:write'] }, 'tools:read tools:write'],
    ['any if none are configured', {}, 'tools:read admin'],
  ])('are accepted: %s', async (_what, server, scope) => {
    const { bot, events } = await withTokenScope(scope, server);
    expect((await bot.token('mcp')).issuer).toBeDefined();
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  it('are not compared with the scopes of the token of the principal itself', async () => {
    const { bot, world } = await start({ server: READ });
    world.idp.script.always('authenticate', grantedScope('openid offline_access profile'));
    expect((await bot.token('mcp')).scopes).toEqual(['tools:read']);
  });
});

describe('the scope parameter of the token request that redeems an ID-JAG', () => {
  it('is the scope of the ID-JAG, so that a server that issues only the requested scopes issues them', async () => {
    for (const server of [{}, { scopes: ['tools:read', 'tools:write'] }]) {
      const { bot, world } = await start({ server });
      world.as.script.always('redeem', async (honest, request) => {
        const answer = await honest();
        return { ...answer, body: { ...answer.body, scope: request.form['scope'] ?? '' } };
      });
      expect((await bot.token('mcp')).scopes).toEqual(['tools:read', 'tools:write']);
      expect(world.as.script.received('redeem')[0]?.form['scope']).toBe('tools:read tools:write');
    }
  });

  it('contains only the scopes that the IdP has granted', async () => {
    const { bot, world } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    await bot.token('mcp');
    expect(world.as.script.received('redeem')[0]?.form['scope']).toBe('tools:read');
  });

  it('is the requested scope if neither the ID-JAG nor the response states one', async () => {
    const { bot, world } = await withIdJagScope(undefined, READ);
    world.as.script.always('redeem', () => ({ status: 200, body: { access_token: 'at', token_type: 'Bearer' } }));
    await bot.token('mcp');
    expect(world.as.script.received('redeem')[0]?.form['scope']).toBe('tools:read');
  });

  it.each([
    ['the ID-JAG contains no scope', { scope: '' }, {}],
    ['no scope is known', { scope: undefined }, {}],
    ['redeemScope is omit', {}, { redeemScope: 'omit', ...READ }],
  ] as const)('is left out if %s', async (_when, claim, server) => {
    const { bot, world } = await start({ server });
    world.idp.forge({ claims: (claims) => ({ ...claims, ...claim }) });
    world.idp.script.always('exchange', editMembers(claim));
    world.as.script.always('redeem', () => ({ status: 200, body: { access_token: 'at', token_type: 'Bearer' } }));
    await bot.token('mcp');
    expect(world.as.script.received('redeem')[0]?.form).not.toHaveProperty('scope');
  });

  it('is named in the remedy if the server refuses it', async () => {
    const { bot, world } = await start({ server: READ });
    world.as.script.always('redeem', refusal('invalid_scope', 'scope is not supported for this grant'));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_scope', leg: 'redeem' });
    expect(error.remedy).toContain("servers.mcp.redeemScope: 'omit'");
  });
});

describe('a scope that was not granted', () => {
  const BOTH = { scopes: ['tools:read', 'tools:write'] };

  it('by the authorization server has the contact of the owner, in an explicit request', async () => {
    const { bot, world } = await withTokenScope('tools:read', BOTH);
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:read', 'tools:write'] }));
    expect(error).toMatchObject({
      code: 'scope_not_granted',
      leg: 'redeem',
      contact: 'server-owner',
      missingScopes: ['tools:write'],
    });
    expect(error.message).toContain(`The authorization server ${world.as.issuer} did not grant "tools:write"`);
    expect(error.remedy).not.toContain('IdP');
  });

  it('by the IdP has the contact of its administrator, in an explicit request', async () => {
    const { bot, world } = await start({ server: BOTH });
    world.idp.setPolicy(() => ['tools:read']);
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:read', 'tools:write'] }));
    expect(error).toMatchObject({ code: 'scope_not_granted', leg: 'exchange', contact: 'idp-admin' });
    expect(error.message).toContain('The IdP did not grant "tools:write"');
  });

  it('by the one and by the other names both', async () => {
    const { bot, world } = await start({ server: { scopes: ['tools:admin', 'tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read', 'tools:write']);
    world.as.script.always('redeem', grantedScope('tools:read'));
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:admin', 'tools:read', 'tools:write'] }));
    expect(error).toMatchObject({
      leg: 'exchange',
      contact: 'idp-admin',
      missingScopes: ['tools:admin', 'tools:write'],
    });
    expect(error.message).toMatch(
      /The IdP did not grant "tools:admin".* The authorization server .* did not grant "tools:write"/u,
    );
  });

  it('is in a partial grant with the peer that did not grant it, also without configured scopes', async () => {
    for (const server of [{}, BOTH]) {
      const { bot, events } = await withTokenScope('', server);
      expect(await bot.token('mcp')).toMatchObject({
        scopes: [],
        missingScopes: ['tools:read', 'tools:write'],
        withheldScopes: ['tools:read', 'tools:write'],
      });
      expect(events.find(({ type }) => type === 'acquired')).toMatchObject({
        missingScopes: ['tools:read', 'tools:write'],
        withheldScopes: ['tools:read', 'tools:write'],
      });
      const { warnings } = await bot.diagnose('mcp').catch(() => ({ warnings: [] }));
      expect(warnings.map(({ leg }) => leg)).not.toContain('exchange');
    }
  });

  it('in a flow without the IdP has the contact of the owner', async () => {
    const { bot } = await withTokenScope('tools:read', { ...BOTH, flow: 'client-credentials' });
    expect(await bot.token('mcp')).toMatchObject({ missingScopes: ['tools:write'], withheldScopes: ['tools:write'] });
    expect(await refusalOf(bot.token('mcp', BOTH))).toMatchObject({
      code: 'scope_not_granted',
      contact: 'server-owner',
    });
  });
});

describe('a scope that ends with /.default', () => {
  const server = { scopes: ['api://x/.default'], flow: 'client-credentials' } as const;
  /** An authorization server that grants `scope` whatever is requested. */
  const granting = async (scope: string) => {
    const running = await start({ server });
    const body = { access_token: 'at', token_type: 'Bearer', expires_in: 300, scope };
    running.world.as.script.always('client-credentials', () => ({ status: 200, body }));
    return running;
  };

  it.each(['api://x/Issues.Read', 'Issues.Read Issues.Write', 'api://x/.default', 'api://x/Issues.Read email'])(
    'is granted by the scopes that it stands for: %s',
    async (scope) => {
      const token = await (await granting(scope)).bot.token('mcp');
      expect(token.missingScopes).toEqual([]);
      expect(token.scopes).toEqual(scope.split(' ').toSorted());
    },
  );

  it.each(['api://y/Issues.Read', 'api://x.evil/Issues.Read', 'api://x/Issues.Read https://graph.example/Mail.Read'])(
    'does not stand for scopes of another resource: %s',
    async (scope) => {
      expect(await refusalOf((await granting(scope)).bot.token('mcp'))).toMatchObject({ code: 'excess_scope' });
    },
  );

  it('is missing if no scope is granted', async () => {
    expect((await (await granting('')).bot.token('mcp')).missingScopes).toEqual(['api://x/.default']);
  });
});

describe('a token without any scope', () => {
  const warningsOf = ({ events }: Bot) =>
    events.flatMap((event) => (event.type === 'warning' && event.message.includes('without any scope') ? [event] : []));

  it('causes a warning if no scope was requested', async () => {
    const running = await withTokenScope('', { flow: 'client-credentials' });
    await running.bot.token('mcp');
    expect(warningsOf(running)).toMatchObject([
      { leg: 'redeem', server: 'mcp', remedy: expect.stringContaining('set servers.mcp.scopes') },
    ]);
  });

  it.each([
    ['scopes were requested', '', { scopes: ['tools:read'] }],
    ['the response has scopes', 'tools:read', {}],
    ['the response says nothing of scopes', undefined, {}],
  ])('causes no such warning if %s', async (_when, scope, server) => {
    const running = await withTokenScope(scope, { ...server, flow: 'client-credentials' });
    await running.bot.token('mcp');
    expect(warningsOf(running)).toEqual([]);
  });
});

describe("redeemScope: 'omit' at an authorization server that grants only requested scopes", () => {
  const omitting = () => withTokenScope('', { ...READ, redeemScope: 'omit' });

  it('causes a refusal whose remedy names the option, with the contact you', async () => {
    const { bot } = await omitting();
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:read'] }));
    expect(error).toMatchObject({ code: 'scope_not_granted', leg: 'redeem', contact: 'you' });
    expect(error.remedy).toContain("Remove servers.mcp.redeemScope: 'omit'");
    expect(error.remedy).not.toContain('owner');
  });

  it('causes a warning of the diagnosis that names the option', async () => {
    const { bot } = await omitting();
    const { warnings } = await bot.diagnose('mcp');
    const [warning] = warnings.filter(({ message }) => message.includes('not granted by the authorization server'));
    expect(warning?.remedy).toContain("Remove servers.mcp.redeemScope: 'omit'");
  });

  it('is not named if the scopes were sent', async () => {
    const { bot } = await withTokenScope('', READ);
    expect(await refusalOf(bot.token('mcp', { scopes: ['tools:read'] }))).toMatchObject({
      contact: 'server-owner',
      remedy: expect.not.stringContaining('redeemScope'),
    });
  });
});
