import type { IdJag, TrustedIssuer } from '@credence/protocol';
import { describe, expect, it } from '@jest/globals';
import { checkScopeRules, type ScopeRule, scopesByRules } from './scope-rules.ts';

type Known = Parameters<typeof checkScopeRules>[2];

const MCP = 'https://mcp.example/mcp';
const IDP = 'https://idp.example';
const idJag: IdJag = {
  issuer: IDP,
  subject: 's1',
  tenant: 'red',
  audience: 'https://as.example',
  clientId: 'c',
  jwtId: 'j',
  issuedAt: new Date(),
  expiresAt: new Date(),
  resources: [],
  scopes: [],
  groups: ['engineering', 'oncall'],
  roles: ['auditor'],
  claims: { department: 'it', regions: ['eu', 'us'], level: 3 },
};

describe('a row of scopesFor', () => {
  it.each<[string, Partial<ScopeRule>, boolean]>([
    ['without conditions', {}, true],
    ['for a group', { group: 'oncall' }, true],
    ['for another group', { group: 'admins' }, false],
    ['for a group with the name of a role', { group: 'auditor' }, false],
    ['for a role', { role: 'auditor' }, true],
    ['for a group and a role', { group: 'oncall', role: 'auditor' }, true],
    ['for a group and another role', { group: 'oncall', role: 'admin' }, false],
    ['for the subject', { subject: 's1' }, true],
    ['for the issuer', { issuer: IDP }, true],
    ['for another issuer', { issuer: 'https://other.example', group: 'oncall' }, false],
    ['for another tenant', { tenant: 'blue', group: 'oncall' }, false],
    ['for a claim', { claims: { department: 'it' } }, true],
    ['for an entry of a claim that is a list', { claims: { regions: 'eu' } }, true],
    ['for a part of a claim', { claims: { department: 'i' } }, false],
    ['for a claim of another type', { claims: { level: '3' } }, false],
    ['for a claim with the name of an object member', { claims: { toString: 'x' } }, false],
    ['for the resource', { resource: MCP }, true],
    ['for another resource', { resource: 'https://other.example' }, false],
  ])('%s %j applies: %s', (_name, rule, isApplied) => {
    expect(scopesByRules([{ ...rule, scopes: ['a'] }], idJag, MCP)).toEqual(isApplied ? ['a'] : []);
  });

  it('adds its scopes to those of the other rows', () => {
    const rules = [{ scopes: ['a'] }, { group: 'oncall', scopes: ['b', 'a'] }, { group: 'x', scopes: ['c'] }];
    expect(scopesByRules(rules, idJag, MCP)).toEqual(['a', 'b']);
  });
});

describe('checkScopeRules', () => {
  const known: Known = { issuers: { [IDP]: {} }, resources: { [MCP]: { scopes: ['a'] } } };
  const two = { ...known, issuers: { [IDP]: {}, 'https://partner.example': {} } };
  const tenants = (of: TrustedIssuer['tenants']) => ({ ...known, issuers: { [IDP]: { tenants: of } } });
  const row = (rule: Record<string, unknown>) => ({ scopes: ['a'], ...rule }) as unknown as ScopeRule;

  it.each<[string, ScopeRule, Known, RegExp]>([
    ['a scope that no resource has', { scopes: ['b'] }, known, /grants b/u],
    ['an issuer that is not trusted', { issuer: 'https://x.example', scopes: ['a'] }, known, /not trusted/u],
    ['a resource that is not served', { resource: 'https://x.example', scopes: ['a'] }, known, /not served/u],
    ['a group without an issuer, if two are trusted', { group: 'admins', scopes: ['a'] }, two, /needs an issuer/u],
    ['a tenant without an issuer, if two are trusted', { tenant: 'red', scopes: ['a'] }, two, /needs an issuer/u],
    [
      'a group without a tenant, if two are accepted',
      row({ group: 'admins' }),
      tenants(['red', 'evil']),
      /needs a tenant/u,
    ],
    ['a role without a tenant, if any is accepted', row({ role: 'admin' }), tenants('any'), /needs a tenant/u],
    [
      'a claim without a tenant, if any of the issuer is accepted',
      row({ issuer: IDP, claims: { x: 1 } }),
      tenants('any'),
      /needs a tenant/u,
    ],
    ['a tenant that is not accepted', row({ tenant: 'blue', group: 'admins' }), tenants(['red']), /not accepted/u],
    ['a tenant of an issuer without tenants', row({ tenant: 'red' }), known, /not accepted/u],
    ['a misspelt condition', row({ groups: ['admins'] }), known, /"groups"/u],
    ['a condition that is undefined', row({ group: undefined }), known, /undefined/u],
    ['a condition of another type', row({ group: ['admins'] }), known, /group/u],
    ['an empty condition', row({ group: '' }), known, /group/u],
    ['empty claims', row({ claims: {} }), known, /apply to everybody/u],
    ['a claim that is undefined', row({ claims: { department: undefined } }), known, /department/u],
    ['scopes that are a string', row({ scopes: 'a' }), known, /scopes/u],
    ['scopes that are undefined', row({ scopes: undefined }), known, /scopes/u],
  ])('refuses %s', (_name, rule, against, message) => {
    expect(() => checkScopeRules('test', [rule], against)).toThrow(message);
  });

  it.each<[string, readonly ScopeRule[], Known]>([
    ['two issuers', [{ scopes: ['a'] }, { issuer: IDP, group: 'admins', scopes: ['a'] }], two],
    ['one tenant', [{ group: 'admins', scopes: ['a'] }], tenants(['red'])],
    ['tenants', [{ scopes: ['a'] }, { tenant: 'red', group: 'admins', scopes: ['a'] }], tenants('any')],
  ])('accepts rows for %s', (_name, rules, against) => {
    expect(() => checkScopeRules('test', rules, against)).not.toThrow();
  });
});
