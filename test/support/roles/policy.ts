import type { IdJagRequest, PolicyTableOptions } from '@credence/identity-provider';

export const AS = 'https://as.example';
export const ISSUES = 'https://issues.example/mcp';
export const WIKI = 'https://wiki.example/mcp';

/** A policy table of two MCP servers with one authorization server, two principals and a user. */
export const tableOptions = {
  servers: {
    issues: {
      issuer: AS,
      audiences: ['urn:acme:issues'],
      resource: ISSUES,
      scopes: ['issues:read', 'issues:write', 'issues:admin'],
      enabledScopes: ['issues:read', 'issues:write'],
      clients: { bot: 'bot-at-as', 'bot-two': 'bot-two-at-as', desk: 'desk-at-as' },
      maxLifetimeSeconds: 60,
      algorithm: 'EdDSA',
    },
    wiki: { issuer: AS, resource: WIKI, scopes: ['wiki:read'], clients: { bot: 'bot-at-as' } },
  },
  groups: {
    readers: { wiki: ['wiki:read'] },
    staff: { issues: { onRequest: ['issues:write'] } },
  },
  principals: {
    bot: {
      clients: ['bot', 'bot-two'],
      groups: ['readers'],
      grants: { issues: { default: ['issues:read'], onRequest: ['issues:write', 'issues:admin'] } },
      claims: { department: 'reports' },
    },
    desk: {},
  },
  users: { alice: { grants: { issues: ['issues:read'] } } },
} as const satisfies PolicyTableOptions;

/** A request of the principal `bot` for the issues server that names no scope. */
export function request(changes: Partial<IdJagRequest> = {}): IdJagRequest {
  return {
    subject: 'bot',
    subjectKind: 'principal',
    subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    claims: {},
    clientId: 'bot',
    audience: AS,
    resources: [ISSUES],
    scopes: undefined,
    ...changes,
  };
}
