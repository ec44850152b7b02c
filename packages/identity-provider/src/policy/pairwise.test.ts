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
  const elsewhere = {
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
        crm: elsewhere,
        hr: { ...elsewhere, resource: 'https://hr.example/mcp', subjects: 'public' },
      },
      groups: { ...tableOptions.groups, readers: { wiki: ['wiki:read'], crm: ['crm:read'], hr: ['crm:read'] } },
    });
  const crm = { audience: elsewhere.issuer, resources: [elsewhere.resource] };

  it('are stable, and the same for all servers of one authorization server', async () => {
    const subject = await subjectFor(withSecret(), {});
    // Fixed: whoever changes how it is made gives every account of every deployment a new name.
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

  it('hide the actor as well, by the name it has when it comes for itself', async () => {
    const asked = request({
      subject: 'alice',
      subjectKind: 'user',
      actor: { subject: 'bot', tokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    });
    expect(await withSecret().policy(asked)).toMatchObject({ actorSubject: await subjectFor(withSecret(), {}) });
  });

  it('hide who acted before, of whom nothing else is said', async () => {
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

  it('keep an actor of another issuer apart from a principal of the same name', async () => {
    const act = { sub: 'bot', iss: 'https://elsewhere.example' };
    const decision = await withSecret().policy(request({ subject: 'alice', subjectKind: 'user', claims: { act } }));
    expect(decision).toMatchObject({ priorAct: { sub: expect.stringMatching(/^[\w-]{43}$/u) } });
    expect(decision).not.toMatchObject({ priorAct: { sub: await subjectFor(withSecret(), {}) } });
  });

  it('are not made for a server that wants to know', async () => {
    expect(await subjectFor(withSecret(), { ...crm, resources: ['https://hr.example/mcp'] })).toBe('bot');
  });
});
