import { describe, expect, it } from '@jest/globals';
import type { IdJag } from '../id-jag/types.ts';
import { checkScopeRules, type ScopeRule, scopesByRules } from './scope-rules.ts';

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

describe('a row', () => {
  it.each<[string, Partial<ScopeRule>, boolean]>([
    ['without conditions', {}, true],
    ['for a group', { group: 'oncall' }, true],
    ['for another group', { group: 'admins' }, false],
    ['for a group named like a role', { group: 'auditor' }, false],
    ['for a role', { role: 'auditor' }, true],
    ['for a group and a role', { group: 'oncall', role: 'auditor' }, true],
    ['for a group and another role', { group: 'oncall', role: 'admin' }, false],
    ['for the subject', { subject: 's1' }, true],
    ['for the issuer', { issuer: IDP }, true],
    ['for another issuer', { issuer: 'https://other.example', group: 'oncall' }, false],
    ['for another tenant', { tenant: 'blue', group: 'oncall' }, false],
    ['for a claim', { claims: { department: 'it' } }, true],
    ['for an entry of a claim', { claims: { regions: 'eu' } }, true],
    ['for a part of a claim', { claims: { department: 'i' } }, false],
    ['for a claim of another type', { claims: { level: '3' } }, false],
    ['for a claim that objects have', { claims: { toString: 'x' } }, false],
    ['for the resource', { resource: MCP }, true],
    ['for another resource', { resource: 'https://other.example' }, false],
  ])('%s holds: %s %s', (_name, rule, holds) => {
    expect(scopesByRules([{ ...rule, scopes: ['a'] }], idJag, MCP)).toEqual(holds ? ['a'] : []);
  });

  it('adds to the others', () => {
    const rules = [{ scopes: ['a'] }, { group: 'oncall', scopes: ['b', 'a'] }, { group: 'x', scopes: ['c'] }];
    expect(scopesByRules(rules, idJag, MCP)).toEqual(['a', 'b']);
  });
});

describe('checkScopeRules', () => {
  const known = { issuers: { [IDP]: {} }, resources: { [MCP]: { scopes: ['a'] } } };
  const two = { ...known, issuers: { [IDP]: {}, 'https://partner.example': {} } };

  it.each<[string, ScopeRule, typeof known, RegExp]>([
    ['a scope that no resource has', { scopes: ['b'] }, known, /grants b/u],
    ['an issuer that is not trusted', { issuer: 'https://x.example', scopes: ['a'] }, known, /not trusted/u],
    ['a resource that is not served', { resource: 'https://x.example', scopes: ['a'] }, known, /not served/u],
    ['a group of whichever of two issuers', { group: 'admins', scopes: ['a'] }, two, /needs an issuer/u],
  ])('refuses %s', (_name, rule, against, message) => {
    expect(() => checkScopeRules('test', [rule], against)).toThrow(message);
  });

  it('takes what can be meant', () => {
    const rules = [{ scopes: ['a'] }, { issuer: IDP, group: 'admins', scopes: ['a'] }];
    expect(() => checkScopeRules('test', rules, two)).not.toThrow();
  });
});
