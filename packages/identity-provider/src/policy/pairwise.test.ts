import { describe, expect, it } from '@jest/globals';
import { AS, request, tableOptions, WIKI } from '../../../../test/support/roles/policy.ts';
import type { IdJagRequest } from '../issue/policy.ts';
import { pairwiseSubject } from './pairwise.ts';
import { type PolicyTable, policyTable } from './policy-table.ts';

const SECRET = 'a secret of at least thirty-two bytes, kept for years';
const table = policyTable(tableOptions);

describe('pairwise subjects', () => {
  const subjectFor = async (of: PolicyTable, changes: Partial<IdJagRequest>) => {
    const decision = await of.policy(request(changes));
    return decision.granted ? decision.subject : decision.status;
  };
  const crmServer = {
    issuer: 'https://other-as.example',
    resource: 'https://crm.example/mcp',
    scopes: ['crm:read'],
    clients: { bot: 'bot-at-crm' },
  };
  const withSecret = (secret: string | Uint8Array = SECRET) =>
    policyTable({
      ...tableOptions,
      pairwiseSecret: secret,
      servers: {
        ...tableOptions.servers,
        crm: crmServer,
        hr: { ...crmServer, resource: 'https://hr.example/mcp', subjects: 'public' },
      },
      groups: { ...tableOptions.groups, readers: { wiki: ['wiki:read'], crm: ['crm:read'], hr: ['crm:read'] } },
    });
  const crm = { audience: crmServer.issuer, resources: [crmServer.resource] };

  it('are stable, and the same for all MCP servers of one authorization server', async () => {
    const subject = await subjectFor(withSecret(), {});
    // fixed value: a change of the algorithm would give the accounts of every deployment a new subject
    expect(subject).toBe('UhHI034SB9xfBcK3NbMTKy2bbDwAawaKyBts08pwPAA');
    expect(await subjectFor(withSecret(new TextEncoder().encode(SECRET)), { resources: [WIKI] })).toBe(subject);
  });

  it('differ by authorization server, by subject, by kind and by secret', async () => {
    const subjects = await Promise.all([
      subjectFor(withSecret(), {}),
      subjectFor(withSecret(), crm),
      subjectFor(withSecret(), { subject: 'alice', subjectKind: 'user' }),
      Promise.resolve(pairwiseSubject(SECRET, { sector: AS, kind: 'principal', subject: 'alice' })),
      subjectFor(withSecret(`another ${SECRET}`), {}),
    ]);
    expect(new Set(subjects).size).toBe(subjects.length);
    for (const subject of subjects) expect(subject).toMatch(/^[\w-]{43}$/u);
  });

  it('also replace the sub of an actor, with the pseudonym that this actor has as a subject', async () => {
    const actingRequest = request({
      subject: 'alice',
      subjectKind: 'user',
      actor: { subject: 'bot', tokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    });
    expect(await withSecret().policy(actingRequest)).toMatchObject({
      actorSubject: await subjectFor(withSecret(), {}),
    });
  });

  it('replace earlier actors by pseudonyms, without their other claims', async () => {
    const before = { sub: 'bot', email: 'bot@acme.example', act: { sub: 'agent-7@acme.example' } };
    const forAlice = { subject: 'alice', subjectKind: 'user', claims: { act: before } } as const;
    const own = await subjectFor(withSecret(), {});
    expect(await withSecret().policy(request(forAlice))).toMatchObject({
      priorAct: { sub: own, act: { sub: expect.not.stringContaining('acme') } },
    });
    const atIssues = await withSecret().policy(request(forAlice));
    expect(atIssues.granted && Object.keys(atIssues.priorAct ?? {})).toEqual(['sub', 'act']);
    expect(await table.policy(request(forAlice))).toMatchObject({ priorAct: before });
  });

  it('differ for an actor of another issuer and a principal with the same name', async () => {
    const act = { sub: 'bot', iss: 'https://elsewhere.example' };
    const decision = await withSecret().policy(request({ subject: 'alice', subjectKind: 'user', claims: { act } }));
    expect(decision).toMatchObject({ priorAct: { sub: expect.stringMatching(/^[\w-]{43}$/u) } });
    expect(decision).not.toMatchObject({ priorAct: { sub: await subjectFor(withSecret(), {}) } });
  });

  it('are not used for a server with public subjects', async () => {
    expect(await subjectFor(withSecret(), { ...crm, resources: ['https://hr.example/mcp'] })).toBe('bot');
  });
});
