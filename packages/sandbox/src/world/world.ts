import type { ScopeGrant } from '@credence/identity-provider';
import { invalidConfiguration } from '../invalid-configuration.ts';
import { GRANTS, GROUPS, PRINCIPALS, UNAPPROVED } from '../principals/seed.ts';
import type { UserOptions } from '../users/options.ts';
import { USERS } from '../users/seed.ts';
import { checkGrants, type Grants } from './grants.ts';
import { checkSubjectName } from './names.ts';
import type { SandboxMcpSource, SandboxWorld } from './options.ts';
import type { SandboxPrincipal, WorldPrincipal } from './principal.ts';
import { checkShape } from './schema.ts';
import type { WorldServer } from './server.ts';
import { builtInServers, ownServers } from './servers.ts';

/** Options of any world: the names are not known to the compiler. */
export type AnyWorld = SandboxWorld<SandboxMcpSource | undefined, string, string, string, string>;

/** The servers, principals and grants of a sandbox, checked and complete. */
export interface World {
  readonly servers: readonly WorldServer[];
  readonly principals: readonly WorldPrincipal[];
  /** The members of each group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly grants: Grants;
  readonly users: Readonly<Record<string, UserOptions>>;
}

/**
 * Completes the options with the servers, principals, groups and grants that the sandbox has without them.
 * @throws CredenceError `invalid_configuration` that names what is wrong.
 */
export function resolveWorld(options: AnyWorld): World {
  checkShape(options);
  const isOwn = options.servers !== undefined || options.mcpServer !== undefined;
  const servers = isOwn ? ownServers(options.servers, options.mcpServer) : builtInServers();
  const principals = Object.entries(options.principals ?? PRINCIPALS).map(([name, given]) => principalOf(name, given));
  const groups = options.groups ?? (options.principals === undefined ? GROUPS : {});
  checkGroups(groups, principals);
  const subjects = [...principals.map(({ name }) => name), ...Object.keys(groups)];
  if (options.grants !== undefined) {
    const grants = withoutUndefined(options.grants);
    checkGrants(grants, subjects, servers);
    return { servers, principals, groups, grants, users: usersOf(options.users, { isOwn, subjects, groups, servers }) };
  }
  // what the sandbox grants without the option, as far as it is about names of this world
  const grants = isOwn
    ? everyScope(principals, options.principals === undefined, servers)
    : Object.fromEntries(Object.entries(GRANTS).filter(([who]) => subjects.includes(who)));
  return { servers, principals, groups, grants, users: usersOf(options.users, { isOwn, subjects, groups, servers }) };
}

/**
 * The grants at servers of the user, if the option `grants` is not set: every scope, so that nothing needs to be granted for a first try.
 * Of the built-in principals, `unapproved-bot` has no grant at any server.
 */
function everyScope(principals: World['principals'], areBuiltIn: boolean, servers: World['servers']): Grants {
  const byServer = Object.fromEntries(servers.map(({ name, scopes }) => [name, scopes]));
  return Object.fromEntries(
    principals.filter(({ name }) => !areBuiltIn || name !== UNAPPROVED).map(({ name }) => [name, byServer]),
  );
}

/** The users. Without the option: those of the sandbox, whose grants are about its own servers. */
function usersOf(
  given: AnyWorld['users'],
  {
    isOwn,
    subjects,
    groups,
    servers,
  }: Pick<World, 'groups' | 'servers'> & { readonly isOwn: boolean; readonly subjects: readonly string[] },
): World['users'] {
  if (given === undefined) {
    return isOwn ? {} : Object.fromEntries(Object.entries(USERS).filter(([name]) => !subjects.includes(name)));
  }
  for (const [name, { groups: memberOf = [] }] of Object.entries(given)) {
    checkSubjectName('user', name);
    if (subjects.includes(name)) {
      throw invalidConfiguration(`"${name}" is the name of a user and of a principal or group.`, 'Rename one of them.');
    }
    const unknown = memberOf.find((group) => !Object.hasOwn(groups, group));
    if (unknown !== undefined) {
      throw invalidConfiguration(
        `The user "${name}" is in the group ${JSON.stringify(unknown)}, and there is no such group.`,
        `The groups are: ${Object.keys(groups).join(', ')}.`,
      );
    }
  }
  const grants = Object.fromEntries(Object.entries(given).map(([name, user]) => [name, user.grants ?? {}]));
  checkGrants(grants, Object.keys(given), servers);
  return given;
}

function principalOf(name: string, given: SandboxPrincipal): WorldPrincipal {
  checkSubjectName('principal', name);
  const onlySecret = given.secret !== undefined && given.privateKey === undefined;
  return {
    ...given,
    name,
    credential: given.credential ?? (onlySecret ? 'secret' : 'private-key'),
    disabled: given.disabled ?? false,
  };
}

function checkGroups(groups: World['groups'], principals: readonly WorldPrincipal[]): void {
  if (principals.length === 0)
    throw invalidConfiguration('The option principals of startSandbox is empty.', 'Name a principal.');
  const names = principals.map(({ name }) => name);
  for (const [group, members] of Object.entries(groups)) {
    checkSubjectName('group', group);
    if (names.includes(group)) {
      throw invalidConfiguration(`"${group}" is the name of a principal and of a group.`, 'Rename one of them.');
    }
    const unknown = members.find((member) => !names.includes(member));
    if (unknown === undefined) continue;
    throw invalidConfiguration(
      `The group "${group}" has the member ${JSON.stringify(unknown)}, and there is no such principal.`,
      `The principals are: ${names.join(', ')}.`,
    );
  }
}

function withoutUndefined(grants: NonNullable<AnyWorld['grants']>): Grants {
  return Object.fromEntries(
    Object.entries(grants).map(([who, byServer]) => [
      who,
      Object.fromEntries(
        Object.entries(byServer ?? {}).flatMap(([server, grant]): [string, ScopeGrant][] =>
          grant === undefined ? [] : [[server, grant]],
        ),
      ),
    ]),
  );
}
