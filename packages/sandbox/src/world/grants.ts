import type { ScopeGrant } from '@credence/identity-provider';
import { invalidConfiguration } from '../invalid-configuration.ts';
import type { WorldServer } from './server.ts';

/** The scopes of each principal or group at each server. */
export type Grants = Readonly<Record<string, Readonly<Record<string, ScopeGrant>>>>;

/** @throws CredenceError `invalid_configuration` for a grant to an unknown principal or group, at an unknown server, or of an unknown scope. */
export function checkGrants(grants: Grants, subjects: readonly string[], servers: readonly WorldServer[]): void {
  for (const [who, byServer] of Object.entries(grants)) {
    if (!subjects.includes(who)) {
      throw invalidConfiguration(
        `grants names ${JSON.stringify(who)}, which is neither a principal nor a group.`,
        `The principals and groups are: ${subjects.join(', ')}.`,
      );
    }
    for (const [name, grant] of Object.entries(byServer)) {
      const server = servers.find((each) => each.name === name);
      if (server === undefined) {
        throw invalidConfiguration(
          `The grant of "${who}" is for the server ${JSON.stringify(name)}, and there is no such server.`,
          `The servers are: ${servers.map((each) => each.name).join(', ')}.`,
        );
      }
      const unknown = scopesOf(grant).find((scope) => !server.scopes.includes(scope));
      if (unknown === undefined) continue;
      throw invalidConfiguration(
        `The grant of "${who}" at "${name}" has the scope "${unknown}", which the server does not have.`,
        `The scopes of "${name}" are: ${server.scopes.join(' ')}.`,
      );
    }
  }
}

/** The scopes of `onRequest` that a principal has at a server, from its own grants and those of its groups. */
export function onRequestScopes(grants: Grants, subjects: readonly string[], server: string): readonly string[] {
  // by entries, because a name could be that of an object property
  const all = Object.entries(grants)
    .filter(([who]) => subjects.includes(who))
    .flatMap(([, byServer]) => Object.entries(byServer))
    .filter(([name]) => name === server)
    .map(([, grant]) => lists(grant));
  const byDefault = new Set(all.flatMap((grant) => grant.default ?? []));
  return [...new Set(all.flatMap((grant) => grant.onRequest ?? []))].filter((scope) => !byDefault.has(scope));
}

function scopesOf(grant: ScopeGrant): readonly string[] {
  const { default: byDefault = [], onRequest = [] } = lists(grant);
  return [...byDefault, ...onRequest];
}

function lists(grant: ScopeGrant): Exclude<ScopeGrant, readonly string[]> {
  return isList(grant) ? { default: grant } : grant;
}

function isList(grant: ScopeGrant): grant is readonly string[] {
  return Array.isArray(grant);
}
