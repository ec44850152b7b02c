import { credenceErrorIn } from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  type PrincipalPool,
  principalPool,
  refusalOf,
} from '@credence/langchain';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { createAgent } from 'langchain';
import { z } from 'zod';
import { OAuthRefusal } from '../support/oauth-world.ts';
import { scriptedModel } from '../support/agent-script.ts';
import { startTenantsWorld, type TenantsWorld, type TenantsWorldOptions } from '../support/tenants-world.ts';

const TENANTS = ['acme', 'globex', 'initech'];
const context = z.object({ principal: z.string() });

let world: TenantsWorld;
let pool: PrincipalPool;
async function start(options: TenantsWorldOptions = {}): Promise<void> {
  world = await startTenantsWorld(TENANTS, ['wiki', 'tickets'], options);
  pool = principalPool({ create: (key) => world.create(key) });
}
afterEach(async () => {
  await pool.close();
  await world.close();
});

/** An agent whose model makes these calls in turn. `run` resolves to the offered tools of each turn and the outcomes of the calls. */
function agentOf(names: readonly string[], options: AccessMiddlewareOptions, tools: DynamicStructuredTool[] = []) {
  const middleware = [accessMiddleware(options)];
  return {
    async run(principal: string, started?: { context?: object }) {
      const offered: string[][] = [];
      const model = scriptedModel(...names.map((name) => [{ name }]));
      const bindTools = model.bindTools.bind(model);
      model.bindTools = (bound) => {
        offered.push(bound.map(({ name }) => name));
        return bindTools(bound);
      };
      const agent = createAgent({ model, tools, middleware, ...(started ? {} : { contextSchema: context }) });
      const input = { messages: [new HumanMessage('go')] };
      const config = (started ?? { context: { principal } }) as { context: { principal: string } };
      const { messages }: { messages: BaseMessage[] } = await agent.invoke(input, config);
      const outcomes = messages
        .filter((message) => ToolMessage.isInstance(message))
        .map((message) => refusalOf(message)?.error.code ?? message.text);
      return { offered, outcomes };
    },
  };
}

const ALL = ['wiki__whose', 'wiki__note', 'tickets__whose', 'tickets__note'];

describe('accessMiddleware({ tools: pool.toolsFor })', () => {
  it('offers each run the tools of its tenant, and calls them as this tenant, with many runs in flight', async () => {
    await start({ only: { tickets: ['globex'] } });
    const agent = agentOf(['wiki__whose', 'tickets__whose'], { tools: pool.toolsFor });
    const runs = await Promise.all(
      Array.from({ length: 9 }, async (_, index) => {
        const tenant = TENANTS[index % 3] ?? '';
        return { tenant, ...(await agent.run(tenant)) };
      }),
    );
    for (const { tenant, offered, outcomes } of runs) {
      const own = tenant === 'globex' ? ALL : ALL.slice(0, 2);
      expect([tenant, offered]).toEqual([tenant, [own, own, own]]);
      expect(outcomes[0]).toBe(tenant);
      if (tenant === 'globex') expect(outcomes[1]).toBe(tenant);
      else expect(outcomes[1]).toContain('not a valid tool');
    }
    expect(world.calls.filter(({ tenant }) => tenant === 'globex')).toHaveLength(6);
    expect(world.calls.filter(({ server }) => server === 'tickets').every(({ tenant }) => tenant === 'globex')).toBe(
      true,
    );
  });

  it.each([
    ['no context', {}, 'no_principal'],
    ['no key', { context: {} }, 'no_principal'],
    ['an unknown key', { context: { principal: 'nobody' } }, 'unknown_principal'],
  ])('ends a run with %s before the model is asked', async (_what, started, code) => {
    await start();
    const run = agentOf(['wiki__whose'], { tools: pool.toolsFor }).run('', started);
    const error: unknown = await run.catch((reason: unknown) => reason);
    expect(credenceErrorIn(error)?.code).toBe(code);
    if (code === 'no_principal') expect((error as Error).message).toContain('its context has no "principal"');
    expect(world.calls).toEqual([]);
    expect(pool.size).toBe(0);
  });
});

describe('tools that a tenant cannot use for want of a scope (hideUnusable)', () => {
  it.each([
    ['tools of each run', false],
    ['tools for every run', true],
  ])('are not hidden from another tenant, with %s', async (_what, shared) => {
    const needsWrite = { _meta: { securitySchemes: [{ type: 'oauth2', scopes: ['tools:write'] }] } };
    world = await startTenantsWorld(TENANTS, ['wiki'], { tools: ['write'], define: { write: needsWrite } });
    pool = principalPool({
      create: (key) => world.create(key, { stepUp: key === 'acme' ? [] : ['tools:write'] }),
    });
    const tools = shared ? await pool.tools('acme') : [];
    const options: AccessMiddlewareOptions = { hideUnusable: true, ...(!shared && { tools: pool.toolsFor }) };
    const agent = agentOf(['wiki__write'], options, tools);
    const [acme, globex] = [await agent.run('acme'), await agent.run('globex')];
    expect(globex.offered[0]).toEqual(['wiki__write']);
    expect(globex.outcomes).toEqual(['globex']);
    expect(acme.outcomes[0]).not.toBe('acme');
    if (!shared) expect(acme.offered.flat()).toEqual([]);
  });
});

describe.each([
  ['tools of each run', false],
  ['tools for every run', true],
])('a refusal of one tenant, with %s,', (_what, shared) => {
  it('does not hide the tools of another', async () => {
    await start();
    world.langchain.oauth.as.revokeAll();
    const tools = shared ? await pool.tools('acme') : [];
    const agent = agentOf(['wiki__whose', 'wiki__whose'], shared ? {} : { tools: pool.toolsFor }, tools);
    await agent.run('acme');
    await agent.run('globex');
    // From now on the IdP refuses one of them, and the tokens of both have to be replaced.
    world.langchain.oauth.idp.setPolicy(({ clientId, scopes = [] }) => {
      if (clientId.startsWith('acme')) throw new OAuthRefusal('access_denied', 'not any more');
      return scopes;
    });
    world.langchain.oauth.as.setSingleUse(true);
    world.langchain.oauth.as.revokeAll();
    const [refused, granted] = await Promise.all([agent.run('acme'), agent.run('globex')]);
    expect(refused.outcomes).toEqual(['access_denied', 'access_denied']);
    expect(refused.offered[1]).not.toContain('wiki__whose');
    expect(granted.outcomes).toEqual(['globex', 'globex']);
    expect(granted.offered.every((names) => names.includes('wiki__whose'))).toBe(true);
    expect((await agent.run('globex')).outcomes).toEqual(['globex', 'globex']);
  });
});
